import { isObject, setOwn, type Json, type JsonObject } from '../json.ts'
import type { Node } from './node.ts'

/**
 * Defaults as the API server fills them in, before anything is validated: into objects that are there, from the outside
 * in, so that a default of an object gets the defaults of its own fields. Null where null is no value counts as absent:
 * a default takes its place, and without one it is pruned. A new value, fields in the schema's order, others after them.
 */
export function applyDefaults(node: Node, value: Json): Json {
  if (Array.isArray(value)) {
    const { items } = node
    return items === null ? value : value.map((item: Json) => applyDefaults(items, isNoValue(item, items) ? (items.default ?? item) : item))
  }
  if (!isObject(value)) return value
  const given = value as JsonObject
  const result: Record<string, Json> = {}
  for (const [name, field] of node.properties) {
    const own = Object.hasOwn(given, name) ? given[name] : undefined
    const filled = own === undefined || isNoValue(own, field) ? field.default : own
    if (filled !== undefined) setOwn(result, name, applyDefaults(field, filled))
  }
  const { additional } = node
  for (const [name, own] of Object.entries(given)) {
    if (node.properties.has(name)) continue
    if (typeof additional === 'boolean') setOwn(result, name, own)
    else {
      const filled = isNoValue(own, additional) ? additional.default : own
      if (filled !== undefined) setOwn(result, name, applyDefaults(additional, filled))
    }
  }
  return result
}

/** Null is a value where the schema says so, and where it says nothing of types. */
function isNoValue(value: Json, node: Node): boolean {
  return value === null && !node.nullable && !isAnything(node)
}

/** Kept as it is, whatever it is. */
export function isAnything(node: Node): boolean {
  return node.type === null && node.preserve && !node.intOrString && node.properties.size === 0
}
