import type { ErrorObject } from 'ajv'
import { isObject, pointerToken } from './json.ts'
import type { FieldError } from './problem.ts'

/**
 * Ajv's errors in plain words, each at the member that it is about. REST, GraphQL, documents and parameters all get their
 * words here. Errors of alternatives (`anyOf`, `oneOf`) are cut down to the alternative that was evidently meant; nobody
 * wants to read why an update is not a create.
 */
export function wordErrors(errors: readonly ErrorObject[], pointer: string): readonly FieldError[] {
  const worded = new Map<string, FieldError>()
  // Sorting out branches takes the square of their number.
  for (const error of withoutHopelessBranches(errors.slice(0, 500))) {
    const { at, detail } = word(error)
    const field = { pointer: pointer + error.instancePath + at, detail }
    worded.set(`${field.pointer} ${detail}`, field)
    if (worded.size === maxErrors) break
  }
  return [...worded.values()]
}

/** More than these help nobody, and a body of 1 MiB can hold half a million mistakes. */
const maxErrors = 50

type Worded = { readonly at: string; readonly detail: string }

function word(error: ErrorObject): Worded {
  const { keyword, params } = error
  const here = (detail: string): Worded => ({ at: '', detail })
  const member = (name: unknown, detail: string): Worded => ({ at: pointerToken(String(name)), detail })
  switch (keyword) {
    case 'required':
      return member(params['missingProperty'], 'is required')
    case 'dependentRequired':
      return member(params['missingProperty'], `is required when ${String(params['property'])} is there`)
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return unknownField(String(params['additionalProperty'] ?? params['unevaluatedProperty']), error.parentSchema)
    case 'propertyNames':
      return member(params['propertyName'], 'is not a valid name here')
    case 'type':
      return here(`must be ${typeWords(params['type'])}`)
    case 'enum':
      return here(`must be one of ${listValues(params['allowedValues'])}`)
    case 'const':
      return here(`must be ${JSON.stringify(params['allowedValue']).replace(/^"(.*)"$/, '$1')}`)
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return here(`must be ${comparisons[keyword]} ${String(params['limit'])}`)
    case 'multipleOf':
      return here(`must be a multiple of ${String(params['multipleOf'])}`)
    case 'minLength':
      return here(params['limit'] === 1 ? 'must not be empty' : `must have at least ${String(params['limit'])} characters`)
    case 'maxLength':
      return here(`must have at most ${String(params['limit'])} characters`)
    case 'pattern':
      return here(`must match ${String(params['pattern'])}`)
    case 'format':
      return here(`must be a valid ${String(params['format'])}`)
    case 'minItems':
      return here(`must have at least ${count(params['limit'], 'item')}`)
    case 'maxItems':
      return here(`must have at most ${count(params['limit'], 'item')}`)
    case 'minProperties':
      return here(`must have at least ${count(params['limit'], 'field')}`)
    case 'maxProperties':
      return here(`must have at most ${count(params['limit'], 'field')}`)
    case 'uniqueItems':
      return here(`has the same item twice (${String(params['i'])} and ${String(params['j'])})`)
    case 'false schema':
      return here('is not allowed here')
    case 'anyOf':
      return here('must fit one of the alternatives')
    case 'oneOf':
      return here(params['passingSchemas'] === null ? 'must fit one of the alternatives' : 'must fit exactly one of the alternatives')
    case 'not':
      return here('is excluded by the schema')
    default:
      return here(error.message ?? 'is not valid')
  }
}

const comparisons = { minimum: 'at least', maximum: 'at most', exclusiveMinimum: 'more than', exclusiveMaximum: 'less than' } as const

const typeNames: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
}

function typeWords(type: unknown): string {
  const types = Array.isArray(type) ? type : String(type).split(',')
  return types.map((t) => typeNames[String(t)] ?? String(t)).join(' or ')
}

function count(limit: unknown, noun: string): string {
  return `${String(limit)} ${noun}${limit === 1 ? '' : 's'}`
}

function listValues(values: unknown): string {
  const list: readonly unknown[] = Array.isArray(values) ? values : []
  const shown = list.slice(0, 20).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  return shown.join(', ') + (list.length > shown.length ? ', …' : '')
}

function unknownField(name: string, parentSchema: unknown): Worded {
  const properties = isObject(parentSchema) && isObject(parentSchema['properties']) ? Object.keys(parentSchema['properties']) : []
  const near = closest(name, properties)
  return { at: pointerToken(name), detail: `is not a known field${near === null ? '' : `; did you mean ${near}?`}` }
}

/** The candidate within two edits (or a third of the name, for short ones), or null. */
export function closest(name: string, candidates: readonly string[]): string | null {
  if (name.length > 100) return null
  const reach = Math.min(2, Math.ceil(name.length / 3))
  let best: string | null = null
  let bestDistance = reach + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) > reach) continue
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** Levenshtein's distance, a swap of neighbours counting as one. */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = []
  let previous: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1)
      row.push(least)
    }
    ;[before, previous] = [previous, row]
  }
  return previous[b.length] ?? 0
}

/** For each failed `anyOf`/`oneOf`, outermost first: keep one branch's errors, or one sentence that sums all branches up. */
function withoutHopelessBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const choice = errors.filter(isChoice).sort((a, b) => a.schemaPath.length - b.schemaPath.length)[0]
  if (choice === undefined) return errors
  const prefix = `${choice.schemaPath}/`
  const isInside = (error: ErrorObject) => error.schemaPath.startsWith(prefix) && error.instancePath.startsWith(choice.instancePath)
  const rest = errors.filter((error) => error !== choice && !isInside(error))
  const kept = summarize(choice, errors.filter(isInside))
  // What is kept lies deeper in the schema, so this ends.
  return [...withoutHopelessBranches(rest), ...(kept.includes(choice) ? kept : withoutHopelessBranches(kept))].sort(
    (a, b) => errors.indexOf(a) - errors.indexOf(b),
  )
}

function isChoice(error: ErrorObject): boolean {
  return (error.keyword === 'anyOf' || error.keyword === 'oneOf') && Array.isArray(error.schema)
}

function summarize(choice: ErrorObject, inside: readonly ErrorObject[]): readonly ErrorObject[] {
  const branches: readonly unknown[] = Array.isArray(choice.schema) ? choice.schema : []
  const byBranch = branches.map((_, i) => inside.filter((e) => e.schemaPath.startsWith(`${choice.schemaPath}/${i}/`)))
  // A branch written as a $ref reports under the definition's path; then nothing can be told apart.
  if (inside.length === 0 || byBranch.some((list) => list.length === 0)) return [choice, ...inside]

  const own = (list: readonly ErrorObject[], keyword: string) =>
    list.find((e) => e.keyword === keyword && e.instancePath === choice.instancePath)
  const constants = byBranch.map((list) => own(list, 'const'))
  if (constants.every((e) => e !== undefined)) {
    return [{ ...choice, keyword: 'enum', params: { allowedValues: constants.map((e) => e.params['allowedValue']) } }]
  }
  const wrongTypes = byBranch.map((list) => own(list, 'type'))
  if (wrongTypes.every((e) => e !== undefined)) {
    return [{ ...choice, keyword: 'type', params: { type: [...new Set(wrongTypes.map((e) => String(e.params['type'])))] } }]
  }
  return meantBranch(choice, byBranch, branches)
}

/** The branch whose constants fit (`action: update`), else the one with fewest errors among those of the right type. */
function meantBranch(
  choice: ErrorObject,
  byBranch: readonly (readonly ErrorObject[])[],
  branches: readonly unknown[],
): readonly ErrorObject[] {
  const tag = discriminator(branches)
  if (tag !== null && isObject(choice.data)) {
    const at = choice.instancePath + pointerToken(tag)
    const wrongTag = (list: readonly ErrorObject[]) =>
      list.find(
        (e) => (e.keyword === 'const' && e.instancePath === at) || (e.keyword === 'required' && e.params['missingProperty'] === tag),
      )
    const fitting = byBranch.filter((list) => wrongTag(list) === undefined)
    if (fitting.length > 0) return fewest(fitting)
    if (!Object.hasOwn(choice.data, tag)) return byBranch[0]?.filter((e) => e === wrongTag(byBranch[0] ?? [])) ?? [choice]
    const allowedValues = branches.map((branch) => tagOf(branch, tag))
    return [{ ...choice, keyword: 'enum', instancePath: at, params: { allowedValues } }]
  }
  const rightType = byBranch.filter((list) => !list.some((e) => e.keyword === 'type' && e.instancePath === choice.instancePath))
  return fewest(rightType.length > 0 ? rightType : byBranch)
}

function fewest(lists: readonly (readonly ErrorObject[])[]): readonly ErrorObject[] {
  return lists.reduce((best, list) => (list.length < best.length ? list : best))
}

/** The member that is a constant in every branch. */
function discriminator(branches: readonly unknown[]): string | null {
  const first = branches[0]
  if (!isObject(first) || !isObject(first['properties'])) return null
  return Object.keys(first['properties']).find((name) => branches.every((branch) => tagOf(branch, name) !== undefined)) ?? null
}

function tagOf(branch: unknown, name: string): unknown {
  const properties = isObject(branch) ? branch['properties'] : undefined
  const member = isObject(properties) ? properties[name] : undefined
  return isObject(member) ? member['const'] : undefined
}
