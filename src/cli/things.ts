import { isObject, type JsonObject } from '../core/json.ts'
import { notThe, pagesOf } from './pages.ts'

/** What the command reads of the API's answers about what exists: resources, documents, ledgers. See `answers.ts`. */
export type ResourceAnswer = {
  readonly id: string
  readonly name: string
  readonly team: string
  readonly environment: string
  readonly blueprint: { readonly name: string; readonly version: string }
  readonly parameters: JsonObject
  readonly cost: { readonly monthly: string; readonly currency: string }
  readonly ttl?: string | null
  readonly status: string
  readonly lastRequest?: string | null
  readonly files: readonly { readonly path: string }[]
  readonly createdAt: string
  readonly updatedAt: string
}

export type HistoryAnswer = {
  readonly request: string
  readonly state: string
  readonly action: string
  readonly cost: { readonly before: string; readonly after: string }
  readonly requester: string
  readonly createdAt: string
}

export type DocumentAnswer = {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly title?: string
    readonly description?: string
    readonly revision: number
    readonly updatedAt: string
  }
  readonly spec: JsonObject
  readonly status?: { readonly limit: string; readonly committed: string; readonly reserved: string; readonly remaining: string }
}

export type LedgerEntry = { readonly kind: string; readonly amount: string; readonly request: string | null; readonly at: string }

function isResource(item: unknown): boolean {
  return (
    isObject(item) &&
    typeof item.id === 'string' &&
    typeof item.status === 'string' &&
    isObject(item.blueprint) &&
    isObject(item.parameters) &&
    isObject(item.cost) &&
    Array.isArray(item.files)
  )
}

function isDocument(item: unknown): boolean {
  return isObject(item) && typeof item.kind === 'string' && isObject(item.metadata) && isObject(item.spec)
}

function isEntry(item: unknown): boolean {
  return isObject(item) && typeof item.kind === 'string' && typeof item.amount === 'string' && typeof item.at === 'string'
}

export const asResourcePage = pagesOf<ResourceAnswer>('list of resources', isResource)
export const asDocumentPage = pagesOf<DocumentAnswer>('list of documents', isDocument)
export const asLedgerPage = pagesOf<LedgerEntry>('ledger', isEntry)
export const asHistoryPage = pagesOf<HistoryAnswer>(
  'history',
  (item) => isObject(item) && typeof item.request === 'string' && isObject(item.cost),
)

export function asResource(body: unknown): ResourceAnswer {
  if (!isResource(body)) throw notThe('resource')
  return body as ResourceAnswer // Checked as far as a wrong server or another version would show; so is the next.
}

export function asDocument(body: unknown): DocumentAnswer {
  if (!isDocument(body)) throw notThe('document')
  return body as DocumentAnswer
}
