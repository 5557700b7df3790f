import { NotCommitted, PurserProblem, WaitedTooLong, type Schemas } from './answers.ts'
import type { FollowedEvent, Following } from './event-stream.ts'
import type { Sender } from './send.ts'

export type Waiting = {
  /** `committed` (when left out) throws `NotCommitted` where it ends otherwise; `settled` takes any end. */
  readonly until?: 'committed' | 'settled'
  /** How long at most; without it as long as it takes. People may take days. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

type State = Schemas['Request']['state']

/** Whether a request is where it stays. Total: a new state does not compile. */
const settled: { readonly [S in State]: boolean } = {
  pending_approval: false,
  queued: false,
  committed: true,
  ready: true,
  denied: true,
  rejected: true,
  cancelled: true,
  expired: true,
  failed: true,
}

/** Delivery takes a moment, people take longer. */
const QUEUED_POLL_MS = 500
const PENDING_POLL_MS = 5_000

/** Whether an event is the last one of a request that it is waited for. */
export function settles({ type }: Pick<FollowedEvent, 'type'>): boolean {
  const state = /^dev\.purser\.request\.([a-z]+)\.v\d+$/.exec(type)?.[1]
  return state !== undefined && Object.hasOwn(settled, state) && settled[state as State] // An own name of it is a state.
}

/** Waits for a request by its stream of events, and by asking again and again where streams do not get through. */
export async function waitForRequest(
  id: string,
  { until = 'committed', timeoutMs, signal }: Waiting,
  ways: {
    readonly sender: Sender
    readonly read: (id: string, signal: AbortSignal) => Promise<Schemas['Request']>
    readonly follow: (id: string, following: Following) => AsyncIterable<FollowedEvent>
  },
): Promise<Schemas['Request']> {
  const limits = [signal, timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)].filter((limit) => limit !== undefined)
  const over = AbortSignal.any(limits)
  try {
    const request = await waitUntilSettled(id, over, ways)
    if (until === 'committed' && request.state !== 'committed' && request.state !== 'ready') throw new NotCommitted(request)
    return request
  } catch (error) {
    if (over.aborted && signal?.aborted !== true) throw new WaitedTooLong(id)
    throw error
  }
}

async function waitUntilSettled(
  id: string,
  over: AbortSignal,
  { sender, read, follow }: Parameters<typeof waitForRequest>[2],
): Promise<Schemas['Request']> {
  let request = await read(id, over)
  if (settled[request.state]) return request
  await toTheEnd(follow(id, { signal: over }), over)
  for (;;) {
    request = await read(id, over)
    if (settled[request.state]) return request
    await sender.pause(request.state === 'queued' ? QUEUED_POLL_MS : PENDING_POLL_MS, over)
  }
}

/** Returns at the end of a stream, and where there is none; whoever may not read it is told so. */
async function toTheEnd(events: AsyncIterable<FollowedEvent>, over: AbortSignal): Promise<void> {
  try {
    for await (const event of events) if (settles(event)) return
  } catch (error) {
    if (over.aborted || error instanceof PurserProblem) throw error
  }
}
