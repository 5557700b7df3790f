import { failureOf, isProblem, PurserProblem, PurserUnreachable, type Schemas } from './answers.ts'
import { backoff, identify, unreachable, type Sender } from './send.ts'

/** An event, and the cursor to go on after it. */
export type FollowedEvent = Schemas['Event'] & { readonly cursor: string }

export type Following = {
  /** The cursor to begin after. */
  readonly after?: string
  readonly signal?: AbortSignal
}

/** Streams do not get through here (a proxy keeps them back, or has too many): ask again and again instead. */
export class NoStream extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'NoStream'
  }
}

/** The server begins with a line at once. */
const FIRST_BYTES_MS = 10_000
/** And has a line every 15 s. */
const SILENCE_MS = 45_000
const LONGEST_BLOCK = 4 * 1024 * 1024
/** What a read would come back for as well. */
const passing: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])

/**
 * The events of a stream, over as many connections as it takes: after a lost one it comes back with the last id, and so
 * passes over nothing. A server that was there once is looked for without end; `signal` is the way out.
 */
export async function* followStream(sender: Sender, url: string, { after, signal }: Following): AsyncGenerator<FollowedEvent> {
  const left = signal ?? new AbortController().signal
  let lastId = after ?? null
  let failures = 0
  for (let met = false; ;) {
    const over = new AbortController()
    try {
      const response = await open(sender, url, lastId, AbortSignal.any([left, over.signal]))
      for await (const block of blocksOf(response)) {
        left.throwIfAborted()
        met = true
        failures = 0
        if (block.id !== null) lastId = block.id
        if (block.event === 'problem') throw failureOf(response, JSON.parse(block.data ?? ''))
        if (block.data !== null) yield { ...(JSON.parse(block.data) as Schemas['Event']), cursor: lastId ?? '' } // As the API has it.
      }
    } catch (error) {
      left.throwIfAborted()
      failures += 1
      if (!comesBack(error) || (!met && failures >= sender.attempts)) throw error
    } finally {
      // Also for who leaves the loop: a connection that nobody reads is closed.
      over.abort()
    }
    await sender.pause(backoff(Math.max(failures, 1)), left)
  }
}

function comesBack(error: unknown): boolean {
  return error instanceof PurserUnreachable || (error instanceof PurserProblem && passing.has(error.status))
}

async function open(sender: Sender, url: string, lastId: string | null, signal: AbortSignal): Promise<Response> {
  const headers = { accept: 'text/event-stream, application/problem+json', ...(lastId === null ? {} : { 'last-event-id': lastId }) }
  const request = await identify(sender, new Request(url, { headers, redirect: 'error' }))
  let response
  try {
    response = await sender.fetch(request, { signal })
  } catch (error) {
    throw unreachable(url, error)
  }
  const type = response.headers.get('content-type') ?? ''
  if (response.ok && type.startsWith('text/event-stream')) return response
  const body: unknown = await response.json().catch(() => null)
  // Too many streams, not too many calls: those who only wait can ask instead.
  if (response.status === 429) throw new NoStream('No more streams for this caller.', failureOf(response, body))
  if (isProblem(body) || passing.has(response.status)) throw failureOf(response, body)
  throw new NoStream(`The answer is ${response.status} with ${type === '' ? 'nothing' : type} instead of a stream.`)
}

type Block = { readonly id: string | null; readonly event: string; readonly data: string | null }

/** Blocks as https://html.spec.whatwg.org/multipage/server-sent-events.html has them. Silence is a lost connection. */
async function* blocksOf(response: Response): AsyncGenerator<Block> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (reader === undefined) return
  let text = ''
  try {
    for (let silent = true; ; silent = false) {
      const { done, value } = await within(reader.read(), silent ? FIRST_BYTES_MS : SILENCE_MS, () =>
        silent ? new NoStream('The stream was opened, and nothing came.') : new PurserUnreachable('The stream fell silent.', false),
      ).catch((error: unknown) => {
        throw error instanceof NoStream || error instanceof PurserUnreachable ? error : unreachable(response.url, error)
      })
      if (done) return
      // A pair that is cut in two between pieces stays a pair: the end of the text waits for what comes.
      text = (text + value).replaceAll(/\r\n|\r(?!$)/g, '\n')
      const parts = text.split('\n\n')
      text = parts.pop() ?? ''
      if (text.length > LONGEST_BLOCK) throw new NoStream('A block of the stream has no end.')
      for (const part of parts) yield blockOf(part)
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function blockOf(part: string): Block {
  let id = null
  let event = 'message'
  const data: string[] = []
  for (const line of part.split('\n')) {
    const at = line.indexOf(':')
    const name = at === -1 ? line : line.slice(0, at)
    const value = at === -1 ? '' : line.slice(line[at + 1] === ' ' ? at + 2 : at + 1)
    if (name === 'id') id = value
    else if (name === 'event') event = value
    else if (name === 'data') data.push(value)
  }
  return { id, event, data: data.length === 0 ? null : data.join('\n') }
}

async function within<T>(promise: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs)
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}
