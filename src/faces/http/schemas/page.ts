import { Type, type TSchema } from 'typebox'
import { nullable, ref } from './component.ts'

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
