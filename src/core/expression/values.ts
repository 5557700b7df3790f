import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { Optional } from '@marcbachmann/cel-js'
import { isObject, setOwn, type Json, type JsonObject } from '../json.ts'
import { EvaluationError } from './evaluation-error.ts'

/**
 * Between JSON and CEL. JSON has one kind of number, CEL has two that do not mix; which one a number is, its place in
 * the schema decides, and where there is none, whether it is whole. A whole number is a bigint on CEL's side and must
 * never meet JSON.stringify.
 */
export type CelType =
  | { readonly kind: 'scalar'; readonly cel: 'int' | 'double' | 'string' | 'bool' | 'dyn' | 'google.protobuf.Timestamp' }
  | { readonly kind: 'list'; readonly cel: string; readonly items: CelType }
  | {
      readonly kind: 'object'
      readonly cel: string
      /** A class of its own for an object with known fields (cel-js tells types by constructor), Map for any other. */
      readonly make: new () => Map<string, unknown>
      /** In the order in which they are rendered. */
      readonly fields: ReadonlyMap<string, CelType>
      /** The type of members that are no fields. */
      readonly rest: CelType
    }

export const dyn: CelType = { kind: 'scalar', cel: 'dyn' }

/** JSON (or a Date) → what cel-js computes with. Undeclared members come sorted, so that no store's order shows in files. */
export function toCel(value: unknown, type: CelType = dyn): unknown {
  if (value === null || value instanceof Date) return value
  if (type.kind === 'list') {
    if (!Array.isArray(value)) throw new EvaluationError('there is no list where the schema has one')
    return value.map((item) => toCel(item, type.items))
  }
  if (type.kind === 'object') {
    if (!isObject(value)) throw new EvaluationError('there is no object where the schema has one')
    return objectToCel(value, type)
  }
  if (typeof value === 'number') return numberToCel(value, type.cel)
  if (Array.isArray(value)) return value.map((item) => toCel(item))
  return isObject(value) ? objectToCel(value, anyObject) : value
}

const anyObject = {
  kind: 'object',
  cel: 'map<string, dyn>',
  make: Map<string, unknown>,
  fields: new Map<string, CelType>(),
  rest: dyn,
} as const satisfies CelType

function objectToCel(value: Record<string, unknown>, type: Extract<CelType, { kind: 'object' }>): Map<string, unknown> {
  const map = new type.make()
  for (const [name, field] of type.fields) {
    // A field without a value is absent, so that has() and .? say so.
    if (Object.hasOwn(value, name)) map.set(name, toCel(value[name], field))
  }
  const others = Object.keys(value).filter((name) => !type.fields.has(name))
  for (const name of others.sort()) map.set(name, toCel(value[name], type.rest))
  return map
}

function numberToCel(value: number, cel: string): bigint | number {
  if (cel === 'double' || (cel !== 'int' && !Number.isInteger(value))) return value
  if (!Number.isSafeInteger(value)) throw new EvaluationError(`${value} is not a whole number between -2^53 and 2^53`)
  return BigInt(value)
}

/** What `optional.none()` becomes: nothing, which a map or list then lacks. */
export const absent: unique symbol = Symbol('absent')

/** Longer text is a mistake, or an attack by way of one. */
const maxTextLength = 1024 * 1024

/** A value of CEL → JSON. */
export function fromCel(value: unknown): Json | typeof absent {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return intToNumber(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new EvaluationError(`${value} is no number that JSON knows`)
    return value === 0 ? 0 : value
  }
  if (typeof value === 'string') return textFromCel(value)
  return objectFromCel(value)
}

/** What callers may not send (`findIllFormedText`) an expression must not make: half of an emoji is cut off quickly. */
const illFormed = /\0|\p{Surrogate}/u

function textFromCel(text: string): string {
  if (text.length > maxTextLength) throw new EvaluationError('the text is longer than 1 MiB')
  if (illFormed.test(text)) throw new EvaluationError('the text has a character that is no text (U+0000, or half of a surrogate pair)')
  return text
}

/** Sums of times reach beyond the years that JavaScript knows. */
function timeFromCel(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new EvaluationError('the time is out of range')
  return date.toISOString()
}

function intToNumber(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new EvaluationError(`${value} is not between -2^53 and 2^53`)
  return number
}

function objectFromCel(value: unknown): Json | typeof absent {
  if (value instanceof Optional) return value.hasValue() ? fromCel(value.value()) : absent
  if (Array.isArray(value)) return value.map(fromCel).filter((item) => item !== absent)
  if (value instanceof Map || (isObject(value) && isPlain(value))) {
    const entries = value instanceof Map ? value.entries() : Object.entries(value)
    const object: Record<string, Json> = {}
    for (const [key, member] of entries) {
      const json = fromCel(member)
      if (json !== absent) setOwn(object, textFromCel(String(key)), json)
    }
    return object satisfies JsonObject
  }
  if (value instanceof Date) return timeFromCel(value)
  if (value instanceof UnsignedInt) return intToNumber(value.valueOf())
  throw new EvaluationError(`${describe(value)} has no place in JSON`)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** A value of CEL inside text. Lists, maps, null and nothing at all are mistakes there. */
export function toText(value: unknown): string {
  if (value instanceof Optional && value.hasValue()) return toText(value.value())
  if (value instanceof Duration) return value.toString()
  if (value instanceof Date) return timeFromCel(value)
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  const json = typeof value === 'number' || typeof value === 'string' || value instanceof UnsignedInt ? fromCel(value) : null
  if (typeof json === 'number') return plainDecimal(json)
  if (typeof json === 'string') return json
  throw new EvaluationError(`${describe(value)} cannot stand in text`)
}

/** What a value is, in words. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (value instanceof Optional) return value.hasValue() ? describe(value.value()) : 'an optional without a value'
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Date) return 'a timestamp'
  if (value instanceof Duration) return 'a duration'
  if (value instanceof Uint8Array) return 'bytes'
  if (value instanceof UnsignedInt) return 'an unsigned number'
  if (value instanceof Map || (isObject(value) && isPlain(value))) return 'a map'
  return words[typeof value] ?? 'a type'
}

const words: Readonly<Record<string, string>> = {
  bigint: 'a whole number',
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
}

/** Without an exponent: 1e21 and 1e-7 are how JavaScript prints them, and nobody's idea of an amount. */
function plainDecimal(value: number): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value))
  if (match === null) return String(value)
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.padEnd(point, '0').slice(0, point)}${digits.length > point ? `.${digits.slice(point)}` : ''}`
}
