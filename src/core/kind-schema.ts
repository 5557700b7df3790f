import { isObject, pointerToken, type Json, type JsonObject } from './json.ts'
import type { FieldError } from './problem.ts'
import { compileStructural, type Structural } from './structural/structural.ts'

/** A kind as a cluster serves it, known by the digest of its schema. */
export type KindEntry = {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly scope: KindScope
  readonly digest: string
}
export type KindScope = 'Namespaced' | 'Cluster'

/** Who tells what the API server would say of an object of one kind. */
export type Judge = {
  readonly scope: KindScope
  /** It has rules over what was there before: then `judge` wants that. */
  readonly hasTransitions: boolean
  /** What the API server would refuse, or drop in silence. Nothing of the object is changed. Pointers start at the object. */
  judge(object: JsonObject, before: JsonObject | null): readonly Fault[]
}

/** `isThere`: that the field is there at all is wrong, whatever is in it. */
export type Fault = FieldError & { readonly isThere: boolean }

export type Found =
  | { readonly outcome: 'known'; readonly judge: Judge }
  /** `served`: the versions in which the kind is known. */
  | { readonly outcome: 'unknown'; readonly served: readonly string[] }
  /** Its schema has to be read first; what is made without it does not count. */
  | { readonly outcome: 'unread' }

/**
 * The kinds that the platform knows. What a platform needs at any time is a handful of thousands, so schemas are read at
 * first use, and compiled once for the process, by their digest.
 */
export type KindSchemas = {
  readonly isEmpty: boolean
  find(group: string, version: string, kind: string): Found
  /** The digests of schemas that were asked for and not there, once. */
  takeUnread(): readonly string[]
  /** The schemas of those digests; one that is not among them is gone, and its kind unknown. */
  provide(digests: readonly string[], schemas: ReadonlyMap<string, JsonObject>): void
  readonly compiled: CompiledSchemas
}

/** Least recently used first. What renders more kinds than these pays for compiling, and no more. */
export type CompiledSchemas = Map<string, { readonly structural: Structural; readonly nodes: number; readonly judges: Judges }>
type Judges = { readonly [S in KindScope]: Judge }
/** The largest published definition has 10,000, which take 6 MB. */
const maxNodes = 100_000

/** `compiled`: what was compiled for the platform before this one. */
export function makeKindSchemas(entries: readonly KindEntry[], compiled: CompiledSchemas = new Map()): KindSchemas {
  const kinds = new Map<string, Map<string, KindEntry>>()
  for (const entry of entries) {
    const key = `${entry.group}/${entry.kind}`
    const versions = kinds.get(key) ?? new Map<string, KindEntry>()
    kinds.set(key, versions.set(entry.version, entry))
  }
  const unread = new Set<string>()
  const gone = new Set<string>()
  /** Since all that was asked for was there: what is made from these would not come to an end if they were taken away. */
  const used = new Set<string>()
  return {
    isEmpty: kinds.size === 0,
    compiled,
    find: (group, version, kind) => {
      const versions = kinds.get(`${group}/${kind}`)
      const entry = versions?.get(version)
      if (entry === undefined || gone.has(entry.digest)) return { outcome: 'unknown', served: [...(versions?.keys() ?? [])] }
      const made = compiled.get(entry.digest)
      if (made === undefined) {
        unread.add(entry.digest)
        return { outcome: 'unread' }
      }
      used.add(entry.digest)
      // Moved to the end: the most recently used.
      compiled.delete(entry.digest)
      compiled.set(entry.digest, made)
      return { outcome: 'known', judge: made.judges[entry.scope] }
    },
    takeUnread: () => {
      const wanted = [...unread]
      unread.clear()
      if (wanted.length === 0) used.clear()
      return wanted
    },
    provide: (digests, schemas) => {
      for (const digest of digests) {
        const schema = schemas.get(digest)
        const structural = schema === undefined ? null : compileStructural(schema, { isResource: true })
        if (structural?.ok !== true) gone.add(digest)
        else
          compiled.set(digest, {
            structural: structural.value,
            nodes: countNodes(structural.value.root),
            judges: judgesOf(structural.value),
          })
        used.add(digest)
      }
      forget(compiled, used)
    },
  }
}

function forget(compiled: CompiledSchemas, used: ReadonlySet<string>): void {
  let nodes = [...compiled.values()].reduce((sum, made) => sum + made.nodes, 0)
  for (const [digest, made] of compiled) {
    if (nodes <= maxNodes) return
    if (used.has(digest)) continue
    compiled.delete(digest)
    nodes -= made.nodes
  }
}

function judgesOf(structural: Structural): Judges {
  return { Namespaced: makeJudge('Namespaced', structural), Cluster: makeJudge('Cluster', structural) }
}

function partsOf({ properties, additional, items }: Structural['root']): readonly Structural['root'][] {
  return [...properties.values(), ...(typeof additional === 'boolean' ? [] : [additional]), ...(items === null ? [] : [items])]
}

function countNodes(node: Structural['root']): number {
  return partsOf(node).reduce((sum, part) => sum + countNodes(part), 1)
}

const none: readonly Fault[] = []

/** What the API server does with an object that is applied: defaults, what it does not know, what does not fit. */
export function makeJudge(scope: KindScope, structural: Structural): Judge {
  return {
    scope,
    hasTransitions: hasTransitions(structural.root),
    judge: (object, before) => {
      const known = structural.unknownFields(object)
      const was = before === null ? undefined : structural.applyDefaults(before)
      const wrong = structural.validate(structural.applyDefaults(object), was)
      const misplaced = checkScope(scope, object)
      if (known.length + wrong.length + misplaced.length === 0) return none
      return [...known.map((fault) => ({ ...fault, isThere: true })), ...misplaced, ...wrong.map((fault) => ({ ...fault, isThere: false }))]
    },
  }
}

function checkScope(scope: KindScope, object: JsonObject): readonly Fault[] {
  const metadata = isObject(object['metadata']) ? (object['metadata'] as JsonObject) : {}
  const kind = typeof object['kind'] === 'string' ? object['kind'] : 'it'
  const namespaced = metadata['namespace'] !== undefined
  if (scope === 'Namespaced' && !namespaced)
    return [{ pointer: '/metadata/namespace', detail: `is required: ${kind} is namespaced`, isThere: false }]
  if (scope === 'Cluster' && namespaced)
    return [{ pointer: '/metadata/namespace', detail: `must be left out: ${kind} is cluster-scoped`, isThere: true }]
  return []
}

function hasTransitions(node: Structural['root']): boolean {
  return node.rules.some(({ rule }) => rule.includes('oldSelf')) || partsOf(node).some(hasTransitions)
}

/** `db.example.com/v1` → its two halves. */
export function splitApiVersion(apiVersion: Json | undefined): { readonly group: string; readonly version: string } {
  const text = typeof apiVersion === 'string' ? apiVersion : ''
  const slash = text.lastIndexOf('/')
  return { group: slash === -1 ? '' : text.slice(0, slash), version: text.slice(slash + 1) }
}

/**
 * Whether a fault is the template's own doing, whatever the values: nothing on the way to it, and nothing below it, is an
 * expression. A field that is there by its name is the template's as well, whatever its value.
 */
export function isWritten(template: Json, { pointer, isThere }: Fault): boolean {
  let at: Json = template
  const tokens = pointer.split('/').slice(1)
  for (const [i, token] of tokens.entries()) {
    if (typeof at !== 'object' || at === null) return !hasExpression(at)
    const own: Json | undefined = members(at).find(([name]) => pointerToken(name) === `/${token}`)?.[1]
    const isLast = i === tokens.length - 1
    if (own === undefined || (isLast && isThere)) return true
    at = own
  }
  return !hasExpression(at)
}

function members(value: object): readonly (readonly [string, Json])[] {
  return Object.entries(value as Readonly<Record<string, Json>>) // A template is JSON, and so are its parts.
}

function hasExpression(value: Json): boolean {
  if (typeof value === 'string') return value.includes('${')
  return typeof value === 'object' && value !== null && members(value).some(([, member]) => hasExpression(member))
}
