import type { JsonObject } from '../core/json.ts'
import type { Result } from '../core/result.ts'
import type { Caller } from './caller.ts'
import type { Context } from './context.ts'
import { readRequest } from './read-requests.ts'

/** Waits until a request leaves `queued`, at most `seconds`; at once in any other state. Answers the request as it is then. */
export async function waitForRequest(
  context: Context,
  caller: Caller,
  id: string,
  seconds: number,
  signal: AbortSignal,
): Promise<Result<JsonObject>> {
  const until = performance.now() + seconds * 1_000
  const over = new AbortController()
  const end = () => over.abort()
  signal.addEventListener('abort', end)
  try {
    for (;;) {
      // Listening begins before the look: a move between the two is not missed.
      const moved = context.requestMoved(id, Math.max(0, until - performance.now()), over.signal)
      const request = await readRequest(context, caller, id)
      if (!request.ok || request.value['state'] !== 'queued' || performance.now() >= until || signal.aborted) return request
      await moved
    }
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}
