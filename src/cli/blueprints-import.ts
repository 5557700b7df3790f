import { isObject, type JsonObject } from '../core/json.ts'
import { ok } from '../core/result.ts'
import { print, refused, unreadable, type Context } from './context.ts'
import { nameDocument, readDocuments } from './documents.ts'
import { exits } from './io.ts'
import { notThe } from './pages.ts'
import { renderImported } from './render-import.ts'
import { visible } from './text.ts'

export type ImportOptions = {
  readonly file?: readonly string[]
  readonly fromCluster?: string
  readonly price?: string
  readonly dryRun?: boolean
}

export type ImportAnswer = { readonly results: readonly ImportedAnswer[] }
export type ImportedAnswer = {
  readonly source: { readonly apiVersion: string; readonly kind: string; readonly name: string }
  readonly blueprint: string | null
  readonly version: string | null
  readonly outcome: 'created' | 'changed' | 'unchanged' | 'refused'
  readonly reasons: readonly { readonly pointer: string; readonly detail: string; readonly frame?: string }[]
  readonly warnings: readonly { readonly detail: string }[]
  readonly diff: readonly { readonly pointer: string; readonly before: unknown; readonly after: unknown; readonly breaking: boolean }[]
  readonly touches: readonly {
    readonly name: string
    readonly team: string
    readonly environment: string
    readonly blueprint: { readonly name: string; readonly version: string }
  }[]
}

/** `purser blueprints import`: blueprints of definitions that the platform has. Those that are refused make it exit 1. */
export async function importBlueprints(context: Context, options: ImportOptions): Promise<number> {
  const { file = [], fromCluster } = options
  if ((file.length === 0) === (fromCluster === undefined))
    return unreadable(context, { lines: ['Name either files (-f) or an environment (--from-cluster)'], exit: exits.usage })
  const documents = fromCluster === undefined ? await readDocuments(file, context.io) : ok([])
  if (!documents.ok) return unreadable(context, documents.problem)
  const dryRun = options.dryRun === true
  const price: JsonObject = options.price === undefined ? {} : { price: options.price === 'free' ? 'free' : { monthly: options.price } }

  const answer = await context.call({
    method: 'POST',
    path: dryRun ? '/v1/blueprints/import?dryRun=true' : '/v1/blueprints/import',
    body: {
      ...(fromCluster === undefined ? { documents: documents.value.map((document) => document.content) } : { fromCluster }),
      ...price,
    },
    repeatable: true, // Importing the same definitions again stores nothing new.
  })

  if (!answer.ok) return await refused(context, answer.refusal)
  const imported = asImported(answer.body)
  const sources = documents.value.map((document) => visible(nameDocument(document)))
  await print(context, imported, (shown, view) => renderImported(shown, sources, dryRun, view))
  return imported.results.some((result) => result.outcome === 'refused') ? exits.refused : exits.reached
}

function asImported(body: unknown): ImportAnswer {
  if (!isObject(body) || !Array.isArray(body['results'])) throw notThe('result of an import')
  return body as ImportAnswer // Checked as far as another server or version would show.
}
