import type { JsonObject } from '../core/json.ts'
import { formatAmount } from '../core/money.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { readBudgetCounters, type BudgetCounters } from '../store/budgets.ts'
import type { DocumentRecord } from '../store/documents.ts'
import type { Context } from './context.ts'

/** A document as it is shown: as it was written, with its revision and times, and for a budget its counters. */
export async function presentDocument(context: Context, record: DocumentRecord): Promise<JsonObject> {
  const [shown] = await presentDocuments(context, [record])
  if (shown === undefined) throw new Error('one document is presented as one')
  return shown
}

export async function presentDocuments(context: Context, records: readonly DocumentRecord[]): Promise<readonly JsonObject[]> {
  const budgets = records.flatMap(({ document }) => (document.kind === 'Budget' ? [document.metadata.name] : []))
  const counters = budgets.length === 0 ? new Map<string, BudgetCounters>() : await readBudgetCounters(context.database, budgets)
  return records.map((record) => {
    const { document, revision, createdAt, updatedAt } = record
    const budget = document.kind === 'Budget' ? counters.get(document.metadata.name) : undefined
    return {
      apiVersion: document.apiVersion,
      kind: document.kind,
      metadata: {
        ...(document.metadata as unknown as JsonObject),
        revision,
        createdAt: createdAt.toISOString(),
        updatedAt: updatedAt.toISOString(),
      },
      spec: document.spec as unknown as JsonObject, // Documents are JSON.
      ...(budget === undefined ? {} : { status: presentCounters(budget) }),
    }
  })
}

function presentCounters(b: BudgetCounters): JsonObject {
  const amount = (value: bigint) => formatAmount(value, b.measure)
  return {
    limit: amount(b.limit),
    committed: amount(b.committed),
    reserved: amount(b.reserved),
    remaining: amount(b.limit - b.committed - b.reserved),
  }
}

/** The entity tag of a document: its revision. */
export function etagOf({ revision }: { readonly revision: number }): string {
  return `"${revision}"`
}

/** What an If-Match asks for (RFC 9110, 13.1.1): one revision, or `any` that is there; null: nothing was sent. */
export function parseIfMatch(ifMatch: string | null): Result<number | 'any' | null> {
  if (ifMatch === null) return ok(null)
  if (ifMatch.trim() === '*') return ok('any')
  const revision = /^\s*"(\d{1,9})"\s*$/.exec(ifMatch)?.[1]
  return revision === undefined
    ? refuse({ code: 'precondition-failed', detail: 'If-Match is the ETag of the document as it was read, such as "3".' })
    : ok(Number(revision))
}
