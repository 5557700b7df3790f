import { getNamedType, getNullableType, isLeafType, isListType, isObjectType, type GraphQLObjectType, type GraphQLSchema } from 'graphql'
import { isObject } from '../../../src/core/json.ts'
import { enumName } from '../../../src/faces/graphql/enum-words.ts'

/**
 * What REST answered, asked for in GraphQL: every member of the document, one by one. A member that GraphQL does not have is
 * an error here, so a field that only one face knows fails whatever the test is about.
 */
export function selectionOf(schema: GraphQLSchema, typeName: string, rest: unknown): string {
  const type = schema.getType(typeName)
  if (!isObjectType(type)) throw new Error(`${typeName} is no type of the schema`)
  return selectIn(type, rest)
}

function selectIn(type: GraphQLObjectType, rest: unknown): string {
  const documents = (Array.isArray(rest) ? rest : [rest]).filter(isObject)
  const members = new Map<string, unknown[]>()
  for (const document of documents)
    for (const [name, value] of Object.entries(document)) members.set(name, [...(members.get(name) ?? []), value])
  const selected = [...members].map(([name, values]) => {
    // REST has the items of a page where GraphQL has its nodes.
    const field = type.getFields()[name === 'items' ? 'nodes' : name]
    if (field === undefined) throw new Error(`GraphQL lacks ${type.name}.${name}, which REST answers as ${JSON.stringify(values[0])}`)
    const inner = getNamedType(field.type)
    if (isLeafType(inner)) return field.name
    if (!isObjectType(inner)) throw new Error(`${type.name}.${name} is neither leaf nor object`)
    const thing = values.flat().find((value) => value !== null)
    // REST has the name or id of a thing where GraphQL has the thing.
    if (typeof thing === 'string') return `${field.name} { ${'name' in inner.getFields() ? 'name' : 'id'} }`
    const found = isListType(getNullableType(field.type)) ? values.flat() : values
    const within = found.some(isObject) ? selectIn(inner, found) : ''
    return `${field.name} { ${within === '' ? '__typename' : within} }`
  })
  return selected.length === 0 ? '__typename' : selected.join(' ')
}

/** Where GraphQL's answer says something else than REST's; empty: it is the same, but for enums' case and things in place of names. */
export function differences(rest: unknown, graph: unknown, at = ''): readonly string[] {
  const differs = [`${at === '' ? 'the answer' : at}: REST ${JSON.stringify(rest)}, GraphQL ${JSON.stringify(graph)}`]
  if (rest === null || rest === undefined) return graph === null || graph === undefined ? [] : differs
  if (typeof rest === 'string' && isObject(graph)) return (graph['name'] ?? graph['id']) === rest ? [] : differs
  if (typeof rest === 'string') return graph === rest || graph === enumName(rest) ? [] : differs
  if (Array.isArray(rest)) {
    if (!Array.isArray(graph) || graph.length !== rest.length) return differs
    return rest.flatMap((item, index) => differences(item, graph[index], `${at}/${index}`))
  }
  if (!isObject(rest)) return rest === graph ? [] : differs
  if (!isObject(graph)) return differs
  return Object.entries(rest).flatMap(([name, value]) => differences(value, graph[name === 'items' ? 'nodes' : name], `${at}/${name}`))
}

/** What is another each time it is made: ids, times, digests, commits, and the names that rows make up. */
export function masked<T>(value: T): T {
  const text = JSON.stringify(value)
    .replaceAll(/\b(req|res|evt|tok)_[0-9a-z]{26}\b/g, '$1_…')
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, 'T')
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replaceAll(/\b[0-9a-f]{40}\b/g, '…')
    .replaceAll(/\bn\d+\b/g, 'n…')
    .replaceAll(/\bpsr_\w+/g, 'psr_…')
    // Revisions of the platform and of documents, and where money stands, move with each row.
    .replaceAll(/"(platformRevision|revision|baseRevision)":\d+/g, '"$1":0')
    .replaceAll(/"(committed|reserved|remaining)":"[\d.-]+"/g, '"$1":"…"')
  return JSON.parse(text) as T
}
