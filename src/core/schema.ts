import type { TSchema } from 'typebox'
import type { JsonObject } from './json.ts'
import type { FieldError } from './problem.ts'
import type { Result } from './result.ts'

/** The one judge of shapes: bodies, documents and parameters are checked here and nowhere else, and errors are worded once. */
export type Shape<T> = {
  readonly schema: TSchema
  /** `pointer` is where `value` stands in what the caller sent; the errors' pointers begin with it. */
  readonly parse: (value: unknown, pointer?: string) => Result<T, readonly FieldError[]>
}

export type ParameterSchema = {
  /** The schema in force: as written, plus `additionalProperties: false` and `maxItems` where it did not say. */
  readonly schema: JsonObject
  /** A new value with every default filled in, at every depth; the argument is not changed. */
  withDefaults(value: JsonObject): JsonObject
  /** What is wrong with `value` (after defaults); empty when it fits. */
  validate(value: JsonObject, pointer: string): readonly FieldError[]
}

/** Compiles a TypeBox schema once; call it at module level. */
export function compileShape<T>(schema: TSchema): Shape<T> {
  throw new Error(`not yet ${String(schema)}`)
}

/** A blueprint's parameter schema: JSON Schema 2020-12 of an object. Pointers of errors start at the schema itself. */
export function compileParameters(schema: JsonObject): Result<ParameterSchema, readonly FieldError[]> {
  throw new Error(`not yet ${String(schema)}`)
}

/** Strings (keys too) with U+0000 or unpaired surrogates: PostgreSQL cannot store the first, UTF-8 not the second. */
export function findIllFormedText(value: unknown, pointer = ''): readonly FieldError[] {
  throw new Error(`not yet ${String(value)} ${pointer}`)
}

