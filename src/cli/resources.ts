import { note, print, refused, type Context } from './context.ts'
import { clock, exits } from './io.ts'
import { readPages, type PageOptions } from './pages.ts'
import { renderResource, renderResources } from './render-things.ts'
import { visible } from './text.ts'
import { asHistoryPage, asResource, asResourcePage, type ResourceAnswer } from './things.ts'

export type ResourcesOptions = PageOptions & {
  readonly team?: string
  readonly env?: string
  readonly blueprint?: string
  readonly status?: string
}

/** `purser resources`: what exists, or one of them by id or name with what was asked about it. */
export async function resources(context: Context, which: string | undefined, options: ResourcesOptions): Promise<number> {
  if (which?.startsWith('res_') === true) return await show(context, which)
  // The API knows names only within a team and an environment; so a name is looked for in the list.
  const listed = await readPages(
    context,
    '/v1/resources',
    [
      ['team', options.team],
      ['environment', options.env],
      ['blueprint', options.blueprint],
      ['status', options.status],
    ],
    which === undefined ? options : { all: true },
    asResourcePage,
  )
  if (!listed.ok) return await refused(context, listed.refusal)
  const { page } = listed
  const items = which === undefined ? page.items : page.items.filter((resource) => resource.name === which)
  const [only, ...others] = items
  if (which !== undefined && only === undefined) {
    note(context, `There is no resource ${visible(which)} that you may see: purser resources lists those that you may.`)
    return exits.refused
  }
  if (which !== undefined && only !== undefined && others.length === 0) return await show(context, only.id)
  const now = clock(context.io)
  await print(context, { ...page, items }, (shown, view) => renderResources(shown, view, now))
  return exits.reached
}

async function show(context: Context, id: string): Promise<number> {
  const path = `/v1/resources/${encodeURIComponent(id)}`
  const answer = await context.call({ method: 'GET', path, repeatable: true })
  if (!answer.ok) return await refused(context, answer.refusal)
  const resource: ResourceAnswer = asResource(answer.body)
  if (context.settings.format !== 'table') {
    await print(context, resource, () => '')
    return exits.reached
  }
  const history = await readPages(context, `${path}/history`, [], { first: 10 }, asHistoryPage)
  if (!history.ok) return await refused(context, history.refusal)
  const now = clock(context.io)
  await print(context, { resource, history: history.page }, (shown, view) => renderResource(shown.resource, shown.history, view, now))
  return exits.reached
}
