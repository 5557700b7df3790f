import { hash } from 'node:crypto'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/**
 * JSON Canonicalization Scheme, RFC 8785: members sorted by UTF-16 code units, numbers as ECMAScript prints them.
 * Members whose value is undefined are left out, as JSON.stringify does.
 */
export function canonicalize(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalize).join(',')}]`
  const object = value as Record<string, unknown>
  let text = ''
  for (const key of sortedKeys(object)) {
    const member = object[key]
    if (member !== undefined) text += `${text === '' ? '' : ','}${quote(key)}:${canonicalize(member)}`
  }
  return `{${text}}`
}

/** Text that JSON writes as it stands; pairs of surrogates are left out to be on the safe side. */
const unescaped = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/

/** As JSON.stringify has it, which costs five times as much for a short text. */
function quote(text: string): string {
  return unescaped.test(text) ? `"${text}"` : JSON.stringify(text)
}

/** Most objects come sorted, or nearly; to sort them costs more than to look. */
function sortedKeys(object: object): string[] {
  const keys = Object.keys(object)
  for (let i = 1; i < keys.length; i++) if ((keys[i - 1] ?? '') > (keys[i] ?? '')) return keys.sort()
  return keys
}

/** `sha256:<hex>` of text (as UTF-8) or bytes. */
export function digest(content: string | Uint8Array): string {
  return `sha256:${hash('sha256', content)}`
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 7396 JSON Merge Patch: null removes, objects merge, anything else replaces. Neither argument is changed. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const merged: Record<string, Json> = isObject(target) ? { ...(target as JsonObject) } : {}
  for (const [key, value] of Object.entries(patch as JsonObject)) {
    if (value === null) delete merged[key]
    else setOwn(merged, key, mergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, value))
  }
  return merged
}

/** Assignment that makes an own property of any name, `__proto__` included. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

/** One reference token of an RFC 6901 JSON Pointer, escaped. */
export function pointerToken(name: string | number): string {
  return `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** How many values there are in a value, itself included; `limit` when there are as many or more. */
export function nodesUpTo(value: unknown, limit: number): number {
  const pending: unknown[] = [value]
  let seen = 0
  while (pending.length > 0 && seen < limit) {
    const next = pending.pop()
    seen++
    if (Array.isArray(next) || isObject(next)) for (const child of Object.values(next)) if (pending.push(child) > limit) return limit
  }
  return seen
}
