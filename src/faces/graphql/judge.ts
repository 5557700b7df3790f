import type { TObject, TSchema, Static } from 'typebox'
import { compileShape, findIllFormedText, type Shape } from '../../core/schema.ts'
import type { PageInput } from '../../operations/page.ts'
import { Refusal } from './refusal.ts'

/** The core's one judge of shapes, on what graphql's own types let pass: the same mistake has the same pointer and words as in REST. */
const compiled = new WeakMap<object, Shape<unknown>>()

export function judge<T extends TSchema>(schema: T, value: object, pointer = ''): Static<T> {
  let shape = compiled.get(schema)
  if (shape === undefined) compiled.set(schema, (shape = compileShape<unknown>(schema)))
  const illFormed = findIllFormedText(value, pointer)
  if (illFormed.length > 0) throw new Refusal({ code: 'invalid', errors: illFormed })
  const parsed = shape.parse(value, pointer)
  if (!parsed.ok) throw new Refusal({ code: 'invalid', errors: parsed.problem })
  return parsed.value as Static<T> // What its schema accepted.
}

/** In graphql null is as good as nothing; in REST it is a value of the wrong type. Only the outermost members: JSON has its own nulls. */
export function withoutNulls<T extends object>(input: T): { readonly [K in keyof T]: Exclude<T[K], null> } {
  // The loop leaves out exactly what the type excludes.
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)) as { readonly [K in keyof T]: Exclude<T[K], null> }
}

const DEFAULT_PAGE = 50

/** The arguments of a list: what it asks for, and which part of it. An empty cursor is none. */
export function readList<Q extends TObject>(
  query: Q,
  args: object,
): { readonly filter: Omit<Static<Q>, 'first' | 'after'>; readonly page: PageInput } {
  type Paged = Static<Q> & { readonly first?: number; readonly after?: string }
  const { first = DEFAULT_PAGE, after = '', ...filter } = judge(query, withoutNulls(args), '/query') as Paged // Every list query has them.
  return { filter, page: { first, after: after === '' ? null : after } }
}

/** The key in an input: what stands in the header in REST, without its quotes. */
export function readKey(key: string | null | undefined): string | null {
  if (key === null || key === undefined) return null
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return key
  throw new Refusal({ code: 'malformed', detail: 'idempotencyKey is a key of 1 to 255 printable ASCII characters.' })
}
