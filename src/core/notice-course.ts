/**
 * How a notice that was posted goes on: sent, given up, or tried again. A hook that is away is tried for two days, further and
 * further apart; one that says that it is gone is believed.
 */

/** What came of a post, as far as it matters here. */
export type Posted =
  | { readonly kind: 'taken' | 'refused' | 'gone' | 'unreachable' | 'forbidden' }
  | { readonly kind: 'busy'; readonly retryAfterS: number | null }

export type NoticeCourse = 'sent' | 'given-up' | 'pending'

const patienceS = 48 * 3_600
const firstS = 2
const mostS = 3_600
/** A no that is neither "gone" nor "later" may be a hook's bad day, but not every day. */
const maxRefusals = 6

/** `attempts`: those before this one. `ageS`: since the event. */
export function courseOf(posted: Posted, notice: { readonly attempts: number; readonly ageS: number }): NoticeCourse {
  if (posted.kind === 'taken') return 'sent'
  if (posted.kind === 'gone' || notice.ageS >= patienceS) return 'given-up'
  return posted.kind === 'refused' && notice.attempts + 1 >= maxRefusals ? 'given-up' : 'pending'
}

/**
 * In how many seconds the hook may be posted to again, after so many failures in a row with this one. A hook that says when is
 * taken at its word, up to the patience; many hooks of one chat do not come back all at once. `chance`: 0 … 1.
 */
export function pauseAfter(posted: Posted, failures: number, chance: number): number {
  if (failures === 0) return 0
  const pause = Math.min(firstS * 2 ** Math.min(failures - 1, 20), mostS) * (0.75 + chance / 2)
  if (posted.kind !== 'busy' || posted.retryAfterS === null) return pause
  return Math.min(Math.max(posted.retryAfterS, 1), patienceS) * (1 + chance / 10)
}
