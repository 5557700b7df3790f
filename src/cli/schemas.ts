import { isObject, type JsonObject } from '../core/json.ts'
import { note, print, refused, unreadable, type Context } from './context.ts'
import { LIMIT_BYTES, nameDocument, readDocuments, type SourcedDocument } from './documents.ts'
import { exits } from './io.ts'
import { notThe, pagesOf, readPages, type Page, type PageOptions } from './pages.ts'
import { hang, more, paragraphs, table, visible, when, type View } from './text.ts'

export type AddOptions = { readonly file?: readonly string[]; readonly fromCluster?: string; readonly dryRun?: boolean }

type KindAnswer = {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly scope: string
  readonly updatedAt: string
}
type Added = {
  readonly source: { readonly name: string }
  readonly kinds: readonly { readonly group: string; readonly version: string; readonly kind: string }[]
  readonly outcome: 'created' | 'changed' | 'unchanged' | 'refused'
  readonly reasons: readonly { readonly pointer: string; readonly detail: string }[]
}

/** `purser schemas`: the kinds that plans are judged by. */
export async function listSchemas(context: Context, options: PageOptions): Promise<number> {
  const looks = (item: unknown) => isObject(item) && typeof item['kind'] === 'string' && typeof item['group'] === 'string'
  const listed = await readPages(context, '/v1/schemas', [], options, pagesOf<KindAnswer>('schemas', looks))
  if (!listed.ok) return await refused(context, listed.refusal)
  await print(context, listed.page, (page, view) => renderKinds(page, view, Date.now()))
  return exits.reached
}

function renderKinds(page: Page<KindAnswer>, view: View, now: number): string {
  const { items } = page
  if (items.length === 0) return 'No schemas. Add some: purser schemas add -f crds/'
  return paragraphs(
    table(
      [
        { title: 'KIND', least: 12, cells: items.map(({ kind }) => kind) },
        { title: 'API VERSION', least: 16, cells: items.map(({ group, version }) => `${group}/${version}`) },
        { title: 'SCOPE', least: 10, cells: items.map(({ scope }) => scope) },
        { title: 'AGE', least: 4, cells: items.map(({ updatedAt }) => when(updatedAt, now, view)) },
      ],
      view,
    ),
    more(page, view),
  )
}

/** Bytes of a file or of standard input: a folder of published definitions has some megabytes. */
const FILES_BYTES = 16 * LIMIT_BYTES
/** Of one call, with room for what is around the documents. */
const CALL_BYTES = LIMIT_BYTES - 4_096
const CALL_DOCUMENTS = 200

/** `purser schemas add`: in as many calls as it takes, without descriptions, which are most of what is published. */
export async function addSchemas(context: Context, options: AddOptions): Promise<number> {
  const { file = [], fromCluster, dryRun = false } = options
  if ((file.length === 0) === (fromCluster === undefined))
    return unreadable(context, { lines: ['Name either files (-f) or an environment (--from-cluster)'], exit: exits.usage })
  const bodies: JsonObject[] = []
  const sources: string[] = []
  if (fromCluster !== undefined) bodies.push({ fromCluster })
  else {
    const documents = await readDocuments(file, context.io, { limit: FILES_BYTES })
    if (!documents.ok) return unreadable(context, documents.problem)
    const definitions = documents.value.flatMap(itemsOf)
    sources.push(...definitions.map((definition) => visible(nameDocument(definition))))
    bodies.push(...(await inCalls(definitions)))
  }
  const results: Added[] = []
  for (const body of bodies) {
    const answer = await context.call({
      method: 'POST',
      path: dryRun ? '/v1/schemas?dryRun=true' : '/v1/schemas',
      body,
      repeatable: true, // Adding the same definitions again stores nothing new.
    })
    if (!answer.ok) {
      if (results.length > 0 && !dryRun) note(context, `${results.length} of ${sources.length} definitions were added before this.`)
      return await refused(context, answer.refusal)
    }
    results.push(...asAdded(answer.body))
  }
  await print(context, { results }, (shown, view) => renderAdded(shown.results, sources, dryRun, view))
  return results.some(({ outcome }) => outcome === 'refused') ? exits.refused : exits.reached
}

/** What `kubectl get -o yaml` prints is one document. */
function itemsOf({ source, content }: SourcedDocument): readonly SourcedDocument[] {
  const items = isObject(content) && typeof content['kind'] === 'string' && content['kind'].endsWith('List') ? content['items'] : null
  return Array.isArray(items) ? items.map((item: unknown) => ({ source, content: item })) : [{ source, content }]
}

async function inCalls(definitions: readonly SourcedDocument[]): Promise<readonly JsonObject[]> {
  const { withoutDescriptions } = await import('../core/without-descriptions.ts')
  const calls: JsonObject[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const { content } of definitions) {
    // What was parsed is JSON; what is no object is the server's to refuse.
    const document = isObject(content) ? withoutDescriptions(withoutStatus(content as JsonObject)) : (content as JsonObject)
    const own = Buffer.byteLength(JSON.stringify(document)) + 1
    if (bytes + own > CALL_BYTES || (calls.at(-1)?.length ?? 0) >= CALL_DOCUMENTS) {
      calls.push([])
      bytes = 0
    }
    calls.at(-1)?.push(document)
    bytes += own
  }
  return calls.map((documents) => ({ documents }))
}

function withoutStatus(written: JsonObject): JsonObject {
  const { status: _, ...definition } = written
  return definition
}

const styles = { created: 'green', changed: 'yellow', unchanged: 'dim', refused: 'red' } as const

function renderAdded(results: readonly Added[], sources: readonly string[], dryRun: boolean, view: View): string {
  const parts = results.flatMap(({ outcome, kinds, reasons, source }, i) => [
    `${view.paint(styles[outcome], outcome)} ${sources[i] ?? source.name}${kinds.length === 0 ? '' : `: ${kinds.map(({ kind, version }) => `${kind} ${version}`).join(', ')}`}`,
    ...reasons.map(({ pointer, detail }) => hang('  ', `${pointer === '' ? '' : `${pointer}: `}${detail}`, view)),
  ])
  const counts = (['created', 'changed', 'unchanged', 'refused'] as const)
    .map((outcome) => [results.filter((result) => result.outcome === outcome).length, outcome] as const)
    .filter(([count]) => count > 0)
  const sum = results.length === 0 ? 'Nothing to add' : counts.map(([count, outcome]) => `${count} ${outcome}`).join(', ')
  return paragraphs(...parts, `${sum}.${dryRun ? ' A dry run: nothing was stored.' : ''}`)
}

function asAdded(body: unknown): readonly Added[] {
  if (!isObject(body) || !Array.isArray(body['results'])) throw notThe('result of adding schemas')
  return body['results'] as readonly Added[] // Checked as far as another server or version would show.
}
