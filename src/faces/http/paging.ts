import type { PageInput } from '../../operations/page.ts'

const DEFAULT_PAGE = 50

type PagedQuery = { readonly first?: number | undefined; readonly after?: string | undefined }

/** A list's query apart: what it asks for, and which part of it. An empty cursor is none. */
export function readPaging<Q extends PagedQuery>(query: Q): { readonly filter: Omit<Q, 'first' | 'after'>; readonly page: PageInput } {
  const { first = DEFAULT_PAGE, after = '', ...filter } = query
  return { filter, page: { first, after: after === '' ? null : after } }
}
