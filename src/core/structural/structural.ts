import type { ErrorObject } from 'ajv'
import type { Json, JsonObject } from '../json.ts'
import type { FieldError } from '../problem.ts'
import { ok, refuse, type Result } from '../result.ts'
import { wordErrors } from '../schema-wording.ts'
import { applyDefaults } from './defaults.ts'
import { readNode, type Node, type Reading } from './node.ts'
import { compileRules } from './rules.ts'
import { checkValue, findUnknown } from './validate.ts'

/**
 * The schema of a Kubernetes object, or of a part of one, as the API server reads it: fill in defaults, look for unknown
 * fields, validate, in this order. Nothing else in the house knows what a structural schema means.
 */
export type Structural = {
  readonly root: Node
  /** Keywords that mean nothing to the API server: it passes over them, and so is done here. */
  readonly ignored: readonly FieldError[]
  /** A new value; the argument is not changed. Nulls where null is no value are gone afterwards. */
  applyDefaults(value: Json): Json
  /** Fields that the schema does not know: the API server would drop them in silence. */
  unknownFields(value: Json, pointer?: string): readonly FieldError[]
  /** What is wrong with a value after defaults. `old`: what was there before, for rules over `oldSelf`. */
  validate(value: Json, old?: Json, pointer?: string): readonly FieldError[]
}

/** `isResource`: the schema is of whole objects, which have `apiVersion`, `kind` and `metadata` without that it says so. */
export function compileStructural(
  schema: JsonObject,
  options: { readonly isResource?: boolean } = {},
): Result<Structural, readonly FieldError[]> {
  const reading: Reading = { errors: [], ignored: [], nodes: 0 }
  const written = readNode(schema, '', reading)
  const root = options.isResource === true ? { ...written, embedded: true } : written
  if (reading.errors.length > 0) return refuse(reading.errors)
  const errors: FieldError[] = []
  const rules = compileRules(root, errors)
  checkDefaults(root, errors)
  if (errors.length > 0) return refuse(errors)
  return ok({
    root,
    ignored: reading.ignored,
    applyDefaults: (value) => applyDefaults(root, value),
    unknownFields: (value, pointer = '') => {
      const found: ErrorObject[] = []
      findUnknown(root, value, '', found)
      return wordErrors(found, pointer)
    },
    validate: (value, old, pointer = '') => {
      const found: ErrorObject[] = []
      checkValue(root, value, '', found)
      // As the API server does: rules are for values that have the shape that they were written for.
      if (found.some(({ keyword }) => blocking.has(keyword))) return wordErrors(found, pointer)
      const broken = rules.evaluate(value, old, pointer)
      return found.length === 0 ? broken : [...wordErrors(found, pointer), ...broken]
    },
  })
}

const blocking = new Set(['type', 'required', 'maxItems', 'maxLength', 'maxProperties'])

/** A default that does not fit would refuse every object that relies on it; the API server does not take such a schema. */
function checkDefaults(node: Node, errors: FieldError[]): void {
  if (node.default !== undefined) {
    const filled = applyDefaults(node, node.default)
    const found: ErrorObject[] = []
    checkValue(node, filled, '', found)
    findUnknown(node, filled, '', found)
    errors.push(...wordErrors(found, `${node.pointer}/default`))
  }
  for (const field of node.properties.values()) checkDefaults(field, errors)
  if (typeof node.additional !== 'boolean') checkDefaults(node.additional, errors)
  if (node.items !== null) checkDefaults(node.items, errors)
}
