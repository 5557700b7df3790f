import type { JsonObject } from '../core/json.ts'
import { ok, refuse, type Result } from '../core/result.ts'

/** What a caller asks of a list: at most `first` things, those after the cursor. */
export type PageInput = { readonly first: number; readonly after: string | null }

export type Page = {
  readonly items: readonly JsonObject[]
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean }
  /** Where each item is, for a face that gives a cursor with each; where they are left out, at its `id`. */
  readonly positions?: readonly string[]
}

export const emptyPage: Page = { items: [], pageInfo: { endCursor: null, hasNextPage: false } }

/** Cursors are opaque: base64url of the position, so that nobody builds on what is in them. */
export function encodeCursor(position: string): string {
  return Buffer.from(position).toString('base64url')
}

/** The position in a cursor, as `parse` reads it (null: not one of ours). No cursor is no position. */
export function parseCursor<T>(after: string | null, parse: (position: string) => T | null): Result<T | null> {
  if (after === null) return ok(null)
  const position = parse(Buffer.from(after, 'base64url').toString())
  if (position !== null) return ok(position)
  return refuse({ code: 'invalid', errors: [{ pointer: '/query/after', detail: 'is not a cursor that a page of this list ended with' }] })
}

/** A page from one row more than was asked for, which says whether there is a next one. */
export function pageOf<Row>(rows: readonly Row[], first: number, present: (row: Row) => JsonObject, position: (row: Row) => string): Page {
  const shown = rows.slice(0, first)
  const positions = shown.map(position)
  return { items: shown.map(present), pageInfo: pageInfoOf(positions.at(-1) ?? null, rows.length > first), positions }
}

/** `last`: the position of the page's last item; null on an empty page. */
export function pageInfoOf(last: string | null, hasNextPage: boolean): Page['pageInfo'] {
  return { endCursor: last === null ? null : encodeCursor(last), hasNextPage }
}
