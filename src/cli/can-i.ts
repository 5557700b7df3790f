import { isObject } from '../core/json.ts'
import { operationOf } from '../core/permissions.ts'
import { note, print, refused, type Context } from './context.ts'
import { exits } from './io.ts'
import { table, visible, type View } from './text.ts'

export type CanIOptions = { readonly team?: string; readonly list?: true }

type Entry = {
  readonly operation: string
  readonly verb: string
  readonly does: string
  readonly allowed: boolean
  readonly needs: string | null
}

/** `purser can-i`: yes or no, and what would do; 1 for no, so that a script can ask before it tries. */
export async function canI(context: Context, verb: string | undefined, { team, list }: CanIOptions): Promise<number> {
  if ((verb === undefined) !== (list === true)) {
    note(context, 'Name what you want to do, such as approve, or --list everything.')
    return exits.usage
  }
  const query = team === undefined ? '' : `?team=${encodeURIComponent(team)}`
  const answer = await context.call({ method: 'GET', path: `/v1/me/permissions${query}`, repeatable: true })
  if (!answer.ok) return await refused(context, answer.refusal)
  const entries = entriesOf(answer.body)
  if (verb === undefined) {
    await print(context, answer.body, (_, view) => renderEntries(visible(entries), view))
    return exits.reached
  }
  const entry = entries.find((each) => each.verb === verb || each.operation === verb)
  if (entry === undefined) {
    const known = team === undefined && operationOf(verb) !== null
    note(context, known ? 'In which team? Add --team.' : `There is no ${visible(verb)}; purser can-i --list shows what there is.`)
    return exits.usage
  }
  await print(context, entry, ({ allowed, does, needs }) => (allowed ? 'yes' : `no: to ${does} takes the ${needs ?? ''}`))
  return entry.allowed ? exits.reached : exits.refused
}

function renderEntries(entries: readonly Entry[], view: View): string {
  return table(
    [
      { title: 'VERB', least: 12, cells: entries.map(({ verb }) => verb) },
      { title: 'MAY', least: 3, cells: entries.map(({ allowed }) => (allowed ? 'yes' : 'no')) },
      { title: 'NEEDS', least: 20, cells: entries.map(({ needs }) => needs ?? '') },
    ],
    view,
  )
}

function entriesOf(body: unknown): readonly Entry[] {
  const list = isObject(body) && Array.isArray(body['permissions']) ? body['permissions'].filter(isObject) : []
  return list.map((entry) => ({
    operation: String(entry['operation']),
    verb: String(entry['verb']),
    does: String(entry['does']),
    allowed: entry['allowed'] === true,
    needs: typeof entry['needs'] === 'string' ? entry['needs'] : null,
  }))
}
