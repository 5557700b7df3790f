import type { RequestState } from '../core/request.ts'
import { asRequest, type RequestAnswer } from './answers.ts'
import { Unreachable, type Refusal } from './client.ts'
import type { Context } from './context.ts'
import { clock, exits, pause } from './io.ts'
import { renderProgress, renderStanding } from './render-request.ts'
import { visible } from './text.ts'

/** Delivery takes a moment, people take longer. */
const QUEUED_POLL_MS = 500
const PENDING_POLL_MS = 3_000

export type Waited =
  | { readonly outcome: 'settled' | 'timed-out'; readonly request: RequestAnswer }
  | { readonly outcome: 'refused'; readonly refusal: Refusal }

/**
 * Follows a request until it is committed or will never be. A server that is away for a moment (it restarts) ends
 * nothing but the patience that was given.
 */
export async function waitForRequest(context: Context, first: RequestAnswer, deadline: number): Promise<Waited> {
  const progress = openProgress(context)
  let request = first
  try {
    for (;;) {
      progress.show(request)
      if (exitOfState(request.state) !== null) return { outcome: 'settled', request }
      const left = deadline - clock(context.io)
      if (left <= 0) return { outcome: 'timed-out', request }
      await pause(context.io, Math.min(left, request.state === 'queued' ? QUEUED_POLL_MS : PENDING_POLL_MS))
      const read = await readRequest(context, request)
      if ('refusal' in read) return { outcome: 'refused', refusal: read.refusal }
      request = read.request
    }
  } finally {
    progress.close()
  }
}

async function readRequest(
  context: Context,
  known: RequestAnswer,
): Promise<{ readonly request: RequestAnswer } | { readonly refusal: Refusal }> {
  try {
    const answer = await context.call({ method: 'GET', path: `/v1/requests/${encodeURIComponent(known.id)}`, repeatable: true })
    if (answer.ok) return { request: asRequest(answer.body) }
    return answer.refusal.status >= 500 || answer.refusal.status === 429 ? { request: known } : { refusal: answer.refusal }
  } catch (error) {
    if (error instanceof Unreachable) return { request: known }
    throw error
  }
}

/** The exit code of a state, or null while a request may still be committed. Total: a new state does not compile. */
export function exitOfState(state: RequestState): number | null {
  switch (state) {
    case 'pending_approval':
    case 'queued':
      return null
    case 'committed':
    case 'ready':
      return exits.reached
    case 'denied':
      return exits.denied
    case 'rejected':
    case 'cancelled':
    case 'expired':
      return exits.ended
    case 'failed':
      return exits.failed
  }
}

type Progress = { show(request: RequestAnswer): void; close(): void }

/**
 * On a terminal the id, for whoever does not wait till the end, and below it one line that is written over; elsewhere (a
 * build log) a line for each change.
 */
function openProgress({ io, errorView }: Context): Progress {
  const live = io.stderr.isTTY === true
  let last = ''
  const plain = { ...errorView, paint: (_: unknown, text: string) => text }
  return {
    show(request) {
      if (live && last === '') io.stderr.write(`${visible(request.id)}\n`)
      // A line wider than the terminal would wrap, and then only its last row would be written over.
      const bare = renderStanding(visible(request), plain)
      const standing =
        bare.length < errorView.width ? renderStanding(visible(request), errorView) : `${bare.slice(0, errorView.width - 2)}…`
      const line = live ? standing : renderProgress(visible(request), errorView)
      if (line === last) return
      last = line
      io.stderr.write(live ? `\r\x1b[2K${line}` : `${line}\n`)
    },
    close() {
      if (live && last !== '') io.stderr.write('\r\x1b[2K')
    },
  }
}
