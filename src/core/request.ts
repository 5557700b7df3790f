/**
 * The states of a request and the one table of what may follow what. The database holds the same table
 * (`request_transition`) and refuses anything else; a test asserts that the two are equal.
 *
 *              ┌─ denied (policy, budget)
 *   (submit) ──┼─ pending_approval ─┬─ queued ──┬─ committed ── ready
 *              │                    ├─ rejected ├─ cancelled (until delivery claims it)
 *              │                    ├─ cancelled└─ failed (money released)
 *              └─ queued (allowed)  └─ expired
 */
export const requestStates = [
  'pending_approval',
  'queued',
  'committed',
  'ready',
  'denied',
  'rejected',
  'cancelled',
  'expired',
  'failed',
] as const
export type RequestState = (typeof requestStates)[number]

export const requestMoves = ['release', 'reject', 'cancel', 'expire', 'commit', 'fail', 'settle'] as const
export type RequestMove = (typeof requestMoves)[number]

const never = { release: null, reject: null, cancel: null, expire: null, commit: null, fail: null, settle: null } as const

/** Total: a missing cell does not compile. Null: that move is refused in that state (409 `wrong-state`). */
export const transitions: { readonly [S in RequestState]: { readonly [M in RequestMove]: RequestState | null } } = {
  pending_approval: { ...never, release: 'queued', reject: 'rejected', cancel: 'cancelled', expire: 'expired' },
  queued: { ...never, cancel: 'cancelled', commit: 'committed', fail: 'failed' },
  committed: { ...never, settle: 'ready' },
  ready: never,
  denied: never,
  rejected: never,
  cancelled: never,
  expired: never,
  failed: never,
}

/** The states in which a request begins its life. */
export const initialStates = ['pending_approval', 'queued', 'denied'] as const satisfies readonly RequestState[]
