import { randomUUID } from 'node:crypto'
import { asRequest, type RequestAnswer } from './answers.ts'
import { Unreachable, type Answer } from './client.ts'
import { note, print, refused, unreadable, type Context } from './context.ts'
import { askForRequest, type Asked } from './interactive.ts'
import { clock, exits } from './io.ts'
import { renderRequest } from './render-request.ts'
import { readRequestInput, type InputOptions } from './request-input.ts'
import { hang } from './text.ts'
import { exitOfState, waitForRequest } from './wait.ts'

export type FollowOptions = {
  readonly idempotencyKey?: string
  readonly wait?: true | 'committed'
  readonly timeout: number
}
export type RequestOptions = InputOptions & FollowOptions & { readonly interactive?: boolean }

/** What one call may be asked to wait on the server. */
const LONGEST_PREFER_S = 10

/** `purser request`: asks, and with --wait follows until the commit. */
export async function request(context: Context, words: readonly string[], options: RequestOptions): Promise<number> {
  const asked = options.interactive === true ? await askForRequest(context, words, options) : await fromWords(context, words, options)
  if ('exit' in asked) return asked.exit
  const deadline = clock(context.io) + options.timeout

  return await follow(context, await submit(context, '/v1/requests', asked.body, options), options, deadline)
}

async function fromWords(context: Context, words: readonly string[], options: RequestOptions): Promise<Asked> {
  const input = await readRequestInput(words, options, context.io)
  return input.ok ? { body: input.value } : { exit: unreadable(context, input.problem) }
}

/** What `request` and `retry` do once they were answered: print the request, or follow it. */
export async function follow(context: Context, answer: Answer, options: FollowOptions, deadline: number): Promise<number> {
  if (!answer.ok) return await refused(context, answer.refusal)
  const admitted = asRequest(answer.body)
  if (answer.replayed) note(context, 'This Idempotency-Key was used for the same request before: here is that one.')
  if (options.wait === undefined) {
    await print(context, admitted, renderRequest)
    return exitOfState(admitted.state) ?? exits.reached
  }
  return await wait(context, admitted, deadline)
}

/** Asks by a key, so that a lost answer is no second request. */
export async function submit(context: Context, path: string, body: unknown, options: FollowOptions): Promise<Answer> {
  const key = options.idempotencyKey ?? randomUUID()
  const preferS = options.wait === undefined ? 0 : Math.min(LONGEST_PREFER_S, Math.floor(options.timeout / 1000))
  try {
    return await context.call({
      method: 'POST',
      path,
      body,
      headers: { 'idempotency-key': key, ...(preferS > 0 ? { prefer: `wait=${preferS}` } : {}) },
      repeatable: true, // By its key.
    })
  } catch (error) {
    if (error instanceof Unreachable && error.maybeTaken) {
      const text = `Perhaps the request was taken. Ask again with --idempotency-key ${key} and you get that one, not a second.`
      note(context, hang('', text, context.errorView))
    }
    throw error
  }
}

async function wait(context: Context, admitted: RequestAnswer, deadline: number): Promise<number> {
  const waited = await waitForRequest(context, admitted, deadline)
  if (waited.outcome === 'refused') return await refused(context, waited.refusal)
  await print(context, waited.request, renderRequest)
  if (waited.outcome === 'settled') return exitOfState(waited.request.state) ?? exits.reached
  note(context, hang('', `Not committed in time. It goes on without you: purser requests ${waited.request.id}`, context.errorView))
  return exits.timedOut
}
