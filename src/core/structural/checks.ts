import type { ErrorObject } from 'ajv'
import { canonicalize, isObject, pointerToken, type Json, type JsonObject } from '../json.ts'
import type { FieldError } from '../problem.ts'
import { compilePattern, type Pattern } from '../re2.ts'
import { formatCheck } from './formats.ts'
import type { StructuralType } from './node.ts'

/**
 * What a schema tests of a value beyond what it is made of, as closures: definitions have thousands of nodes, of which a
 * value has a few, so that compiling each to code, as Ajv does, takes longer than it ever gives back. Errors have Ajv's
 * form, since they are worded where all others are.
 */
export type Check = (value: Json, path: string, errors: ErrorObject[]) => void

/** Who reads this many has enough to do; all that is wrong with a long list would fill the memory. */
export const maxErrors = 100

/** The checks of one schema without those of its properties and items, which are nodes (or, in an alternative, checked by `compileBranch`). */
export function compileChecks(schema: JsonObject, pointer: string, type: StructuralType | null, wrong: FieldError[]): readonly Check[] {
  const checks: Check[] = []
  const say = (keyword: string, params: Record<string, unknown>) => failing(schema, pointer, keyword, params)
  const number = (keyword: string) => (typeof schema[keyword] === 'number' ? schema[keyword] : null)
  addNumberChecks(checks, schema, say, number)
  addTextChecks(checks, schema, pointer, say, number, wrong)
  addSizeChecks(checks, say, number)
  addFormatCheck(checks, schema, type, say)
  const { required } = schema
  if (Array.isArray(required)) {
    for (const name of required) {
      if (typeof name !== 'string') continue
      const fail = say('required', { missingProperty: name })
      checks.push((value, path, errors) => isObject(value) && !Object.hasOwn(value, name) && fail(value, path, errors))
    }
  }
  const choices = schema['enum']
  if (Array.isArray(choices)) {
    const allowed = new Set(choices.map((choice) => canonicalize(choice)))
    const fail = say('enum', { allowedValues: choices })
    checks.push((value, path, errors) => !allowed.has(canonicalize(value)) && fail(value, path, errors))
  }
  addLogic(checks, schema, pointer, say, wrong)
  return checks
}

type Fail = (value: Json, path: string, errors: ErrorObject[]) => void
type Say = (keyword: string, params: Record<string, unknown>) => Fail

function failing(schema: JsonObject, pointer: string, keyword: string, params: Record<string, unknown>): Fail {
  const schemaPath = `#${pointer}/${keyword}`
  return (value, instancePath, errors) =>
    void errors.push({ keyword, instancePath, schemaPath, params, schema: schema[keyword], parentSchema: schema, data: value })
}

function addNumberChecks(checks: Check[], schema: JsonObject, say: Say, number: (keyword: string) => number | null): void {
  // As in OpenAPI 3.0, `exclusive…` is a flag of the bound beside it.
  const bound = (keyword: 'minimum' | 'maximum', isBeyond: (value: number, limit: number) => boolean) => {
    const limit = number(keyword)
    if (limit === null) return
    const exclusive = keyword === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum'
    const isExclusive = schema[exclusive] === true
    const fail = say(isExclusive ? exclusive : keyword, { limit })
    checks.push((value, path, errors) => {
      if (typeof value === 'number' && (isBeyond(value, limit) || (isExclusive && value === limit))) fail(value, path, errors)
    })
  }
  bound('minimum', (value, limit) => value < limit)
  bound('maximum', (value, limit) => value > limit)
  const multipleOf = number('multipleOf')
  if (multipleOf !== null && multipleOf > 0) {
    const fail = say('multipleOf', { multipleOf })
    checks.push((value, path, errors) => {
      if (typeof value === 'number' && !Number.isInteger(value / multipleOf)) fail(value, path, errors)
    })
  }
}

function addTextChecks(
  checks: Check[],
  schema: JsonObject,
  pointer: string,
  say: Say,
  number: (keyword: string) => number | null,
  wrong: FieldError[],
): void {
  const { pattern: source } = schema
  if (typeof source === 'string') {
    const pattern = compilePattern(source)
    if (!pattern.ok) wrong.push({ pointer: `${pointer}/pattern`, detail: pattern.problem })
    else addPattern(checks, pattern.value, say('pattern', { pattern: source }))
  }
  const length = (keyword: 'minLength' | 'maxLength', isBeyond: (length: number, limit: number) => boolean) => {
    const limit = number(keyword)
    if (limit === null) return
    const fail = say(keyword, { limit })
    checks.push((value, path, errors) => {
      if (typeof value === 'string' && isBeyond(characters(value), limit)) fail(value, path, errors)
    })
  }
  length('minLength', (n, limit) => n < limit)
  length('maxLength', (n, limit) => n > limit)
}

function addPattern(checks: Check[], pattern: Pattern, fail: Fail): void {
  checks.push((value, path, errors) => {
    if (typeof value === 'string' && !pattern.test(value)) fail(value, path, errors)
  })
}

/** Go counts code points. */
function characters(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function addSizeChecks(checks: Check[], say: Say, number: (keyword: string) => number | null): void {
  const size = (keyword: string, sizeOf: (value: Json) => number | null, isBeyond: (size: number, limit: number) => boolean) => {
    const limit = number(keyword)
    if (limit === null) return
    const fail = say(keyword, { limit })
    checks.push((value, path, errors) => {
      const n = sizeOf(value)
      if (n !== null && isBeyond(n, limit)) fail(value, path, errors)
    })
  }
  const items = (value: Json) => (Array.isArray(value) ? value.length : null)
  const members = (value: Json) => (isObject(value) ? Object.keys(value).length : null)
  size('minItems', items, (n, limit) => n < limit)
  size('maxItems', items, (n, limit) => n > limit)
  size('minProperties', members, (n, limit) => n < limit)
  size('maxProperties', members, (n, limit) => n > limit)
}

function addFormatCheck(checks: Check[], schema: JsonObject, type: StructuralType | null, say: Say): void {
  const { format } = schema
  const fits = typeof format === 'string' ? formatCheck(format, type) : null
  if (fits === null) return
  const fail = say('format', { format })
  checks.push((value, path, errors) => !fits(value) && fail(value, path, errors))
}

function addLogic(checks: Check[], schema: JsonObject, pointer: string, say: Say, wrong: FieldError[]): void {
  for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
    const written = schema[keyword]
    if (!Array.isArray(written)) continue
    const branches = written.flatMap((branch: Json, i) =>
      isObject(branch) ? [compileBranch(branch as JsonObject, `${pointer}/${keyword}/${i}`, wrong)] : [],
    )
    if (keyword === 'allOf') checks.push(...branches)
    else checks.push(choice(keyword, branches, say))
  }
  const { not } = schema
  if (isObject(not)) {
    const branch = compileBranch(not as JsonObject, `${pointer}/not`, wrong)
    const fail = say('not', {})
    checks.push((value, path, errors) => passes(branch, value, path) && fail(value, path, errors))
  }
}

function choice(keyword: 'anyOf' | 'oneOf', branches: readonly Check[], say: Say): Check {
  const none = say(keyword, { passingSchemas: null })
  const several = say(keyword, { passingSchemas: [] })
  return (value, path, errors) => {
    const found: ErrorObject[] = []
    let passing = 0
    for (const branch of branches) {
      const own: ErrorObject[] = []
      branch(value, path, own)
      if (own.length === 0) passing++
      else if (found.length < maxErrors) found.push(...own)
      if (passing > (keyword === 'anyOf' ? 0 : 1)) break
    }
    if (passing === 0) errors.push(...found)
    if (passing === 0) none(value, path, errors)
    else if (keyword === 'oneOf' && passing > 1) several(value, path, errors)
  }
}

function passes(branch: Check, value: Json, path: string): boolean {
  const errors: ErrorObject[] = []
  branch(value, path, errors)
  return errors.length === 0
}

/** A schema that only tests, with the schemas inside it. */
function compileBranch(schema: JsonObject, pointer: string, wrong: FieldError[]): Check {
  const checks = [...compileChecks(schema, pointer, null, wrong)]
  const { type, properties, items, additionalProperties } = schema
  if (typeof type === 'string') {
    const fail = failing(schema, pointer, 'type', { type })
    checks.unshift((value, path, errors) => !isOfType(value, type) && fail(value, path, errors))
  }
  if (isObject(properties)) {
    for (const [name, sub] of Object.entries(properties as JsonObject)) {
      if (!isObject(sub)) continue
      const inner = compileBranch(sub as JsonObject, `${pointer}/properties${pointerToken(name)}`, wrong)
      const token = pointerToken(name)
      checks.push((value, path, errors) => {
        if (isObject(value) && Object.hasOwn(value, name)) inner((value as JsonObject)[name] ?? null, path + token, errors)
      })
    }
  }
  if (isObject(items)) {
    const inner = compileBranch(items as JsonObject, `${pointer}/items`, wrong)
    checks.push((value, path, errors) => {
      if (Array.isArray(value)) value.forEach((item: Json, i) => inner(item, `${path}/${i}`, errors))
    })
  }
  if (isObject(additionalProperties)) {
    const inner = compileBranch(additionalProperties as JsonObject, `${pointer}/additionalProperties`, wrong)
    const named = isObject(properties) ? properties : {}
    checks.push((value, path, errors) => {
      if (!isObject(value)) return
      for (const [name, member] of Object.entries(value as JsonObject))
        if (!Object.hasOwn(named, name)) inner(member, path + pointerToken(name), errors)
    })
  }
  return (value, path, errors) => {
    for (const check of checks) if (errors.length < maxErrors) check(value, path, errors)
  }
}

/** Whether a value is of a type that a schema names. */
export function isOfType(value: Json, type: string): boolean {
  switch (type) {
    case 'object':
      return isObject(value)
    case 'array':
      return Array.isArray(value)
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value)
    default:
      return typeof value === type
  }
}
