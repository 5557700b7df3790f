import type { JsonObject } from '../../core/json.ts'
import type { Result } from '../../core/result.ts'
import { encodeCursor, type Page, type PageInput } from '../../operations/page.ts'
import { unwrap } from './refusal.ts'
import type { Connection } from './sources.ts'

/** A page as Relay's connections have it; its cursors are REST's. */
export function connectionOf<S = JsonObject>(page: Page | Result<Page>, asked: PageInput, team: string | null = null): Connection<S> {
  const shown = 'ok' in page ? unwrap(page) : page
  return {
    // Operations show items in the shape of their source.
    nodes: shown.items as unknown as readonly S[],
    page: shown,
    pageInfo: {
      ...shown.pageInfo,
      hasPreviousPage: asked.after !== null,
      startCursor: shown.items.length === 0 ? null : cursorAt(shown, 0),
    },
    team,
  }
}

/** The same of documents, which are known by their names. */
export function documentsOf<S>(
  page: Page | Result<Page>,
  asked: PageInput,
  source: (shown: JsonObject) => S,
  team: string | null = null,
): Connection<S> {
  const connection = connectionOf(page, asked, team)
  return { ...connection, nodes: connection.nodes.map(source) }
}

export function edgesOf<S>({ nodes, page }: Connection<S>): readonly JsonObject[] {
  // Their node is a source, which is no JSON where a document was read already; graphql does not mind.
  return nodes.map((node, index) => ({ node: node as unknown as JsonObject, cursor: cursorAt(page, index) }))
}

function cursorAt({ items, positions }: Page, index: number): string {
  const position = positions?.[index] ?? items[index]?.['id']
  if (typeof position !== 'string') throw new Error('an item of a list that is nowhere')
  return encodeCursor(position)
}
