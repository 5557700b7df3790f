import { Type, type TSchema } from 'typebox'

/** What has a name of its own in OpenAPI is an `$id` schema, referred to by it; anything else stands where it is used. */
export function ref(schema: TSchema): TSchema {
  const id = idOf(schema)
  return id === null ? schema : Type.Unsafe({ $ref: `${id}#` })
}

export function idOf(schema: unknown): string | null {
  return typeof schema === 'object' && schema !== null && '$id' in schema && typeof schema.$id === 'string' ? schema.$id : null
}

export function nullable(schema: TSchema): TSchema {
  return Type.Union([ref(schema), Type.Null()])
}

/** A decimal string, since JSON's numbers are no money. */
export const amount = Type.String({
  description: 'A decimal number: money in the platform’s currency, or a count.',
  pattern: '^-?[0-9]+(\\.[0-9]{2})?$',
})

export const timestamp = Type.String({ description: 'RFC 3339, in UTC.', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$' })

export const digestText = Type.String({ description: 'SHA-256 of the bytes.', pattern: '^sha256:[0-9a-f]{64}$' })

export const openObject = Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true })

/** One of these words. An enum reads better in OpenAPI than a union of constants. */
export function oneOf<const W extends readonly string[]>(words: W, description?: string): TSchema {
  return Type.Unsafe<W[number]>({ type: 'string', enum: words, ...(description === undefined ? {} : { description }) })
}
