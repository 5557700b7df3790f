import { isObject, setOwn, type Json, type JsonObject } from './json.ts'

/** A schema without what is for people to read: four fifths of what is published. A property may be called `description`: then it is a schema, not text. */
export function withoutDescriptions(schema: JsonObject): JsonObject {
  const result: Record<string, Json> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'description' && typeof value === 'string') continue
    if (keyword === 'default' || keyword === 'enum' || keyword === 'example') setOwn(result, keyword, value)
    else setOwn(result, keyword, Array.isArray(value) ? value.map(inner) : inner(value))
  }
  return result
}

function inner(value: Json): Json {
  return isObject(value) ? withoutDescriptions(value as JsonObject) : value
}
