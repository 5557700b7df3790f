import { Type, type TObject, type TProperties, type TSchema } from 'typebox'
import { nullable, ref } from './component.ts'

const closed = { additionalProperties: false }

/** How every list is read. `after` may be empty, so that a loop can begin with an empty variable. */
export const pageQuery = {
  first: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'How many things a page has at most.' })),
  after: Type.Optional(Type.String({ maxLength: 500, description: 'The `endCursor` of the page before.' })),
}

/** The query of a list with filters of its own. */
export function listQuery<P extends TProperties>(filters: P): TObject<P & typeof pageQuery> {
  return Type.Object({ ...filters, ...pageQuery }, closed)
}

/** A filter is any text of reasonable length: what names nothing finds nothing. */
export function filterText(description: string) {
  return Type.Optional(Type.String({ minLength: 1, maxLength: 254, description }))
}

export const pageInfo = Type.Object(
  {
    endCursor: nullable(Type.String({ description: 'What to give as `after` for the next page; null on an empty page.' })),
    hasNextPage: Type.Boolean(),
  },
  { $id: 'PageInfo', description: 'Where a page ends.' },
)

/** A page of things, as a schema of its own name. */
export function pageSchema(id: string, item: TSchema, example: unknown) {
  return Type.Object(
    { items: Type.Array(ref(item)), pageInfo: ref(pageInfo) },
    {
      $id: id,
      description: 'A page; `Link: rel="next"` leads to the next one.',
      examples: [{ items: [example], pageInfo: { endCursor: 'cmVxXzAxaA', hasNextPage: false } }],
    },
  )
}
