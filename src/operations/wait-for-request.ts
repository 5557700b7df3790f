import type { JsonObject } from '../core/json.ts'
import type { Result } from '../core/result.ts'
import type { Caller } from './caller.ts'
import type { Context } from './context.ts'
import { readRequest } from './read-requests.ts'

/** How long one wait for a notice may last before the request is looked at anyway: a notice can be lost with its connection. */
const LOOK_MS = 1_000

/** Waits until a request leaves `queued`, at most `seconds`; at once in any other state. Answers the request as it is then. */
export async function waitForRequest(
  context: Context,
  caller: Caller,
  id: string,
  seconds: number,
  signal: AbortSignal,
): Promise<Result<JsonObject>> {
  const until = performance.now() + seconds * 1_000
  for (;;) {
    // Listening begins before the look: a move between the two is not missed.
    const moved = context.requestMoved(id, Math.min(LOOK_MS, Math.max(0, until - performance.now())), signal)
    const request = await readRequest(context, caller, id)
    if (!request.ok || request.value['state'] !== 'queued' || performance.now() >= until || signal.aborted) return request
    await moved
  }
}
