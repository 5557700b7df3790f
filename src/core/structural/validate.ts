import type { ErrorObject } from 'ajv'
import { canonicalize, isObject, pointerToken, type Json, type JsonObject } from '../json.ts'
import { isAnything } from './defaults.ts'
import { isOfType, maxErrors } from './checks.ts'
import type { Node } from './node.ts'

/** What a value, its defaults filled in, breaks of its schema, `maxErrors` and few more at most; rules apart. */
export function checkValue(node: Node, value: Json, path: string, errors: ErrorObject[]): void {
  if (errors.length >= maxErrors || (value === null && (node.nullable || isAnything(node)))) return
  if (!checkType(node, value, path, errors)) return
  for (const check of node.checks) check(value, path, errors)
  if (Array.isArray(value)) checkList(node, value, path, errors)
  else if (isObject(value)) checkMembers(node, value as JsonObject, path, errors)
}

function checkType({ type, intOrString, pointer, schema }: Node, value: Json, path: string, errors: ErrorObject[]): boolean {
  const wanted = intOrString ? ['integer', 'string'] : type === null ? [] : [type]
  if (wanted.length === 0 || wanted.some((one) => isOfType(value, one))) return true
  errors.push({
    keyword: 'type',
    instancePath: path,
    schemaPath: `#${pointer}/type`,
    params: { type: wanted },
    schema: type,
    parentSchema: schema,
    data: value,
  })
  return false
}

function checkMembers(node: Node, value: JsonObject, path: string, errors: ErrorObject[]): void {
  const { additional } = node
  for (const [name, member] of Object.entries(value)) {
    const field = node.properties.get(name)
    if (field !== undefined) checkValue(field, member, path + pointerToken(name), errors)
    else if (typeof additional !== 'boolean') checkValue(additional, member, path + pointerToken(name), errors)
  }
  if (!node.embedded) return
  for (const name of ['apiVersion', 'kind']) {
    if (typeof value[name] === 'string' && value[name] !== '') continue
    errors.push(own(node, 'required', path, { missingProperty: name }))
  }
}

function checkList(node: Node, value: readonly Json[], path: string, errors: ErrorObject[]): void {
  const { items, listType } = node
  if (items !== null) value.forEach((item, i) => checkValue(items, item, `${path}/${i}`, errors))
  if (listType === 'atomic') return
  const seen = new Map<string, number>()
  value.forEach((item, i) => {
    const key = listKey(node, item)
    const twin = seen.get(key)
    if (twin === undefined) seen.set(key, i)
    else if (errors.length < maxErrors) {
      const what = listType === 'set' ? 'is' : `has the ${node.listMapKeys.join(', ')} of`
      const message = `${what} item ${twin} already; ${listType === 'set' ? 'no item' : 'no such key'} may be there twice`
      errors.push({ ...own(node, 'x-kubernetes-list-type', `${path}/${i}`, {}), message })
    }
  })
}

/** What makes two items of a list one and the same: all of them, or their keys. */
export function listKey({ listType, listMapKeys }: Node, item: Json): string {
  if (listType !== 'map') return canonicalize(item)
  const object: JsonObject = isObject(item) ? (item as JsonObject) : {}
  return canonicalize(listMapKeys.map((key) => object[key] ?? null))
}

function own(node: Node, keyword: string, instancePath: string, params: Record<string, unknown>): ErrorObject {
  return {
    keyword,
    instancePath,
    schemaPath: `#${node.pointer}/${keyword}`,
    params,
    schema: node.schema[keyword],
    parentSchema: node.schema,
  }
}

/** Fields that the API server would drop in silence, or refuse where it is asked to be strict. */
export function findUnknown(node: Node, value: Json, path: string, errors: ErrorObject[]): void {
  if (Array.isArray(value)) {
    const { items } = node
    if (items !== null) value.forEach((item: Json, i) => findUnknown(items, item, `${path}/${i}`, errors))
    return
  }
  if (!isObject(value) || isAnything(node)) return
  const { additional } = node
  for (const [name, member] of Object.entries(value as JsonObject)) {
    if (errors.length >= maxErrors) return
    const field = node.properties.get(name)
    if (node.embedded && name === 'metadata') findUnknownMetadata(node, member, `${path}/metadata`, errors)
    else if (field !== undefined) findUnknown(field, member, path + pointerToken(name), errors)
    else if (typeof additional !== 'boolean') findUnknown(additional, member, path + pointerToken(name), errors)
    else if (!additional && !(node.embedded && (name === 'apiVersion' || name === 'kind')))
      errors.push(own(node, 'additionalProperties', path, { additionalProperty: name }))
  }
}

/** Metadata is the API server's own, whatever a schema says of it. */
const metadataFields = Object.fromEntries(
  (
    'name namespace labels annotations finalizers ownerReferences generateName uid resourceVersion generation creationTimestamp ' +
    'deletionTimestamp deletionGracePeriodSeconds managedFields selfLink'
  )
    .split(' ')
    .map((name) => [name, {}]),
)

function findUnknownMetadata(node: Node, value: Json, path: string, errors: ErrorObject[]): void {
  if (!isObject(value)) return
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(metadataFields, name)) continue
    const parentSchema = { properties: metadataFields }
    errors.push({ ...own(node, 'additionalProperties', path, { additionalProperty: name }), parentSchema })
  }
}
