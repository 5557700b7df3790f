import type { TSchema } from 'typebox'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { nodesUpTo, pointerToken, type JsonObject } from './json.ts'
import { fillDefaults, findDefaults, tightenSchema } from './parameter-schema.ts'
import type { FieldError } from './problem.ts'
import { compilePattern } from './re2.ts'
import { ok, refuse, type Result } from './result.ts'
import { wordErrors } from './schema-wording.ts'
import { compileKubernetesParameters, isKubernetesDialect } from './structural/parameters.ts'

/** The one judge of shapes: bodies, documents and parameters are checked here and nowhere else, and errors are worded once. */
export type Shape<T> = {
  readonly schema: TSchema
  /** `pointer` is where `value` stands in what the caller sent; the errors' pointers begin with it. */
  readonly parse: (value: unknown, pointer?: string) => Result<T, readonly FieldError[]>
}

export type ParameterSchema = {
  /** The schema in force: as written, plus `additionalProperties: false`, `maxItems` and the range of whole numbers where it did not say. */
  readonly schema: JsonObject
  /** A new value with every default filled in, at every depth; the argument is not changed. */
  withDefaults(value: JsonObject): JsonObject
  /** What is wrong with `value` (after defaults); empty when it fits. `previous`: what it is to replace, for rules over that. */
  validate(value: JsonObject, pointer: string, previous?: JsonObject): readonly FieldError[]
}

/** Values above this many nodes get their first error only: collecting all of them could fill the memory. */
const maxNodesForAllErrors = 5_000

/** Deeper input is refused before anything recurses into it. */
const maxDepth = 64

/** Compiles a TypeBox schema once, at its first use: a process needs a few of all, and each takes milliseconds of its start. Call it at module level. */
export function compileShape<T>(schema: TSchema): Shape<T> {
  let check: Judge | null = null
  return {
    schema,
    parse: (value, pointer = '') => {
      const errors = (check ??= judge(schema))(value, pointer)
      // The schema is the type's own, so what it lets through is a T.
      return errors.length === 0 ? ok(value as T) : refuse(errors)
    },
  }
}

/** Blueprints are few and compiling one takes milliseconds; the bound is for a stream of dry runs. */
const compiledParameters = new Map<string, Result<ParameterSchema, readonly FieldError[]>>()
const maxCompiledParameters = 200

/** A blueprint's parameter schema: JSON Schema 2020-12 of an object, or Kubernetes' dialect of it. Pointers of errors start at the schema itself. */
export function compileParameters(schema: JsonObject): Result<ParameterSchema, readonly FieldError[]> {
  // Not the canonical text: the order of properties is the order in which objects are rendered.
  const key = JSON.stringify(schema)
  const known = compiledParameters.get(key)
  if (known !== undefined) return known
  const result = compileParametersAfresh(schema)
  for (const oldest of compiledParameters.keys()) {
    if (compiledParameters.size < maxCompiledParameters) break
    compiledParameters.delete(oldest)
  }
  compiledParameters.set(key, result)
  return result
}

function compileParametersAfresh(written: JsonObject): Result<ParameterSchema, readonly FieldError[]> {
  if (isKubernetesDialect(written)) return compileKubernetesParameters(written)
  const tightened = tightenSchema(written)
  if (!tightened.ok) return tightened
  const schema = tightened.value
  const wrong = metaSchema()(schema, '')
  if (wrong.length > 0) return refuse(wrong)
  let check: Judge
  try {
    check = judge(schema)
  } catch (error) {
    return refuse([strictModeError(error)])
  }
  const errors = findDefaults(schema).flatMap(({ pointer, subschema, value }) =>
    judge({ ...subschema, $defs: schema['$defs'] ?? {} })(value, pointer),
  )
  if (errors.length > 0) return refuse(errors)
  return ok({ schema, withDefaults: (value) => fillDefaults(schema, value), validate: check })
}

type Judge = (value: unknown, pointer: string) => readonly FieldError[]

/**
 * An Ajv instance per schema, because an instance never forgets what it compiled. Its meta-schema is left out (checked
 * once for all in `metaSchema`), which makes an instance cheap.
 */
function judge(schema: object): Judge {
  const first = compile(schema, false)
  // Nearly every value fits, and then nobody asks for all errors.
  let all: ValidateFunction | null = null
  return (value, pointer) => {
    if (first(value)) return []
    if (nodesUpTo(value, maxNodesForAllErrors) >= maxNodesForAllErrors) return wordErrors(first.errors ?? [], pointer)
    all ??= compile(schema, true)
    all(value)
    return wordErrors(all.errors ?? [], pointer)
  }
}

function compile(schema: object, allErrors: boolean): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors,
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    verbose: true,
    validateFormats: false,
    meta: false,
    validateSchema: false,
    logger: false,
    code: { regExp: Object.assign(regExp, { code: 'regExp' }) },
  })
  return ajv.compile(schema)
}

/**
 * Patterns of schemas, too, are linear in the caller's text. Ajv tells patterns apart by their `toString`: without one, every
 * pattern of a schema would be its first.
 */
function regExp(source: string): { test(text: string): boolean; toString(): string } {
  const pattern = compilePattern(source)
  if (!pattern.ok) throw new Error(`pattern ${JSON.stringify(source)} ${pattern.problem}`)
  const { value } = pattern
  return { test: (text) => value.test(text), toString: () => source }
}

let compiledMetaSchema: Judge | null = null

function metaSchema(): Judge {
  if (compiledMetaSchema !== null) return compiledMetaSchema
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: false, validateFormats: false, logger: false })
  compiledMetaSchema = (value, pointer) => {
    if (ajv.validateSchema(value as JsonObject) === true) return []
    // The meta-schema's alternatives are references, of which the first complaint at a place is the plainest.
    const worded = wordErrors(ajv.errors ?? [], pointer)
    return worded.filter((error, i) => worded.findIndex((e) => e.pointer === error.pointer) === i)
  }
  return compiledMetaSchema
}

/** Ajv throws what strict mode finds, with the place in the text at best: `… at "#/properties/x" (strictTypes)`. */
function strictModeError(error: unknown): FieldError {
  const text = error instanceof Error ? error.message : String(error)
  const place = /"#(\/[^"]*)"/.exec(text)?.[1] ?? ''
  const detail = text
    .replace(/^strict mode: /, '')
    .replace(/ (in|at) "#[^"]*"/, '')
    .replace(/ \(strict\w+\)$/, '')
  return { pointer: decodeURIComponent(place), detail }
}

/**
 * Strings (keys too) with U+0000 or unpaired surrogates: PostgreSQL cannot store the first, UTF-8 not the second. Also
 * input nested more than 64 deep. Give it every body before anything else looks at it: what walks the value afterwards
 * may recurse.
 */
export function findIllFormedText(value: unknown, pointer = ''): readonly FieldError[] {
  if (isWellFormed(value, 0)) return []
  const errors: FieldError[] = []
  search(value, pointer, 0, errors)
  return errors
}

/** Whether `search` would find nothing: nearly always so, and without a pointer to each member in a fifth of the time. */
function isWellFormed(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return !illFormed.test(value)
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === maxDepth) return false
  if (Array.isArray(value)) return value.every((item) => isWellFormed(item, depth + 1))
  for (const key of Object.keys(value)) {
    if (illFormed.test(key) || !isWellFormed((value as Record<string, unknown>)[key], depth + 1)) return false
  }
  return true
}

const illFormed = /\0|\p{Surrogate}/u
const illFormedAll = /\0|\p{Surrogate}/gu

function search(value: unknown, pointer: string, depth: number, errors: FieldError[]): void {
  if (errors.length === 50) return
  if (typeof value === 'string') {
    if (illFormed.test(value)) errors.push({ pointer, detail: 'has a character that is no text (U+0000, or half of a surrogate pair)' })
    return
  }
  // 1e400 in JSON is Infinity to JavaScript, and null to everything that it is written to after that.
  if (typeof value === 'number' && !Number.isFinite(value)) errors.push({ pointer, detail: 'is a number out of range' })
  if (typeof value !== 'object' || value === null) return
  if (depth === maxDepth) {
    errors.push({ pointer, detail: `is nested more than ${maxDepth} levels deep` })
    return
  }
  if (Array.isArray(value)) value.forEach((item, i) => search(item, pointer + pointerToken(i), depth + 1, errors))
  else for (const [key, member] of Object.entries(value)) searchMember(key, member, pointer, depth, errors)
}

function searchMember(key: string, member: unknown, pointer: string, depth: number, errors: FieldError[]): void {
  // The pointer itself must be text that can be sent back.
  const at = pointer + pointerToken(key.replace(illFormedAll, '\uFFFD'))
  if (illFormed.test(key))
    errors.push({ pointer: at, detail: 'is a name with a character that is no text (U+0000, or half of a surrogate pair)' })
  search(member, at, depth + 1, errors)
}
