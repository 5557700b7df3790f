import { setMaxListeners } from 'node:events'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { problemDocument, type Problem } from '../../core/problem.ts'
import type { Context } from '../../operations/context.ts'
import type { Topic } from '../../operations/event-topics.ts'
import { followEvents, type Followed } from '../../operations/follow-events.ts'
import { authenticateRequest } from './authentication.ts'
import { failureOf, sendProblem } from './problems.ts'

/** Server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html. */
export const eventStream = 'text/event-stream'

/** How soon a client that lost its stream comes back: soon, and not before another process can be found. */
const RETRY_MS = 2_000

/**
 * Answers with the events of a topic as they happen. The browser's EventSource sends the last id that it got after a lost
 * connection, so `Last-Event-ID` goes before `after`, which stays in its URL for ever.
 */
export async function sendEvents(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  { topic, after, stopping }: { readonly topic: Topic; readonly after: string | null; readonly stopping: AbortSignal },
): Promise<FastifyReply> {
  const over = new AbortController()
  const end = () => over.abort()
  const last = request.headers['last-event-id']
  const who = () => authenticateRequest(context, request)
  const resumes = typeof last === 'string' && last !== ''
  const followed = await followEvents(context, who, topic, { after: resumes ? last : after, signal: over.signal })
  if (!followed.ok) return sendProblem(reply, resumes && followed.problem.code === 'invalid' ? wrongLastId : followed.problem)
  request.format = eventStream
  reply.headers({
    'content-type': eventStream,
    'cache-control': 'no-cache',
    // For nginx, which would keep events back until its buffer is full.
    'x-accel-buffering': 'no',
    // A stream ends when its process does, and then nothing else must hold the connection.
    connection: 'close',
  })
  if (request.method === 'HEAD') {
    await followed.value.return?.()
    return reply.send()
  }
  // One for each stream, and none of them leaks.
  setMaxListeners(0, stopping)
  stopping.addEventListener('abort', end)
  reply.raw.once('close', () => {
    stopping.removeEventListener('abort', end)
    end()
  })
  if (stopping.aborted || reply.raw.destroyed) end()
  // Pulled: a reader who takes nothing is read nothing for.
  return reply.send(Readable.from(blocksOf(followed.value, request), { objectMode: false }))
}

const wrongLastId: Problem = { code: 'malformed', detail: 'Last-Event-ID is not the id of an event of a stream.' }

/** Blocks as the standard has them: fields, then an empty line. One without `data` only moves the last id on. */
async function* blocksOf(followed: AsyncIterable<Followed>, request: FastifyRequest): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n`
  try {
    for await (const next of followed) {
      if (next.kind === 'refused') yield problemBlock(next.problem)
      else if (next.events.length === 0) yield `:\nid: ${next.cursor}\n\n`
      else yield next.events.map(({ type, event, cursor }) => `id: ${cursor}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
    }
  } catch (err) {
    // The status was sent long ago; a client that comes back to the last id loses nothing.
    yield problemBlock(failureOf(err instanceof Error ? err : new Error(String(err)), request.log))
  }
}

/** The last block of a stream: what a read would be refused with. */
function problemBlock(problem: Problem): string {
  return `event: problem\ndata: ${JSON.stringify(problemDocument(problem))}\n\n`
}
