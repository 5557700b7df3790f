import { asRequest, asRequestPage } from './answers.ts'
import { note, print, refused, type Context } from './context.ts'
import { clock, exits } from './io.ts'
import { readPages } from './pages.ts'
import { renderDiff } from './render-plan.ts'
import { renderRequest, renderRequests } from './render-request.ts'

export type RequestsOptions = {
  readonly team?: string
  readonly env?: string
  readonly state?: string
  readonly requester?: string
  readonly resource?: string
  readonly awaiting?: string
  readonly first?: number
  readonly all?: boolean
  readonly diff?: boolean
}

/** `purser requests`: a list, or with an id that one. */
export async function requests(context: Context, id: string | undefined, options: RequestsOptions): Promise<number> {
  if (id === undefined) return options.diff === true ? usage(context, '--diff takes the id of a request') : await list(context, options)
  if (filters(options).length > 0 || options.all === true || options.first !== undefined)
    return usage(context, 'Give either the id of a request or filters')
  return await show(context, id, options.diff === true)
}

async function show(context: Context, id: string, withDiff: boolean): Promise<number> {
  const path = `/v1/requests/${encodeURIComponent(id)}`
  if (withDiff) {
    const diff = await context.call({ method: 'GET', path: `${path}/diff`, repeatable: true, answer: 'text' })
    if (!diff.ok) return await refused(context, diff.refusal)
    await print(context, String(diff.body), (text, view) => renderDiff(text.trimEnd(), view))
    return exits.reached
  }
  const answer = await context.call({ method: 'GET', path, repeatable: true })
  if (!answer.ok) return await refused(context, answer.refusal)
  await print(context, asRequest(answer.body), renderRequest)
  return exits.reached
}

async function list(context: Context, options: RequestsOptions): Promise<number> {
  const listed = await readPages(context, '/v1/requests', filters(options), options, asRequestPage)
  if (!listed.ok) return await refused(context, listed.refusal)
  const now = clock(context.io)
  await print(context, listed.page, (page, view) => renderRequests(page, view, now))
  return exits.reached
}

function filters(options: RequestsOptions): readonly [string, string][] {
  const given: readonly (readonly [string, string | undefined])[] = [
    ['team', options.team],
    ['environment', options.env],
    ['state', options.state],
    ['requester', options.requester],
    ['resource', options.resource],
    ['awaiting', options.awaiting],
  ]
  return given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
}

function usage(context: Context, line: string): number {
  note(context, line)
  return exits.usage
}
