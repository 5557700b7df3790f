import { Environment, EvaluationError as CelEvaluationError, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js'
import { codeFrame } from './code-frame.ts'
import { EvaluationError } from './expression/evaluation-error.ts'
import { checkCount, ownPrefix, rewrite, startCounting } from './expression/rewrite.ts'
import { dayOfYear, timestampOfText, zonedGetters } from './expression/time.ts'
import { describe, dyn, toCel, type CelType } from './expression/values.ts'
import { variablesOf, type Scope } from './expression/variables.ts'
import type { JsonObject } from './json.ts'
import { compilePattern } from './re2.ts'
import { ok, refuse, type Result } from './result.ts'
import type { ParameterSchema } from './schema.ts'
import { closest } from './schema-wording.ts'

export { EvaluationError }
export type { Scope }

/** `frame`: the source line and a caret below the column. */
export type ExpressionError = { readonly detail: string; readonly frame: string }

export type ExpressionEnvironment = {
  readonly scope: Exclude<Scope, 'message'>
  readonly parameters: ParameterSchema | null
  readonly cel: Environment
  readonly types: ReadonlyMap<string, CelType>
  /** What the variables of the last evaluation were converted to, for the next expression over the same ones. */
  recent: { readonly values: Values; readonly context: Record<string, unknown> } | null
}

/**
 * The variables of an evaluation, as plain JSON (`now` is a Date); integers become bigint by the parameter schema. Only
 * what the expression reads is looked at, the rest may be absent. Conversion is remembered for the object that came last:
 * build one of these for a change and give the same one to every expression; never change it afterwards.
 */
export type Values = {
  readonly action?: string
  readonly team?: { readonly name: string; readonly title: string; readonly costCenter: string; readonly tags: readonly string[] }
  readonly environment?: { readonly name: string; readonly namespace: string; readonly values: JsonObject }
  readonly blueprint?: { readonly name: string; readonly version: string; readonly tags: readonly string[]; readonly lifecycle: string }
  readonly resource?: { readonly name: string }
  readonly parameters?: JsonObject
  /** What makes `parameters` by the schema's defaults alone: for who fills in the same defaults later, as the API server does. */
  readonly given?: JsonObject
  /** Empty on create. */
  readonly previous?: JsonObject
  /** Doubles, per month. Undefined before there is a price. */
  readonly cost?: { readonly before: number; readonly after: number; readonly delta: number } | undefined
  readonly requester?: {
    readonly subject: string
    readonly kind: string
    readonly roles: readonly string[]
    /** An empty string in CEL when nobody is between. */
    readonly via: string | null
    readonly groups: readonly string[]
  }
  readonly now?: Date
  /** Of a CI job's token. */
  readonly claims?: JsonObject
}

export type Expression = {
  readonly source: string
  /** The CEL type that it yields. */
  readonly type: string
  /** A bool, number (double), bigint (int), string, list, map or optional; throws EvaluationError. */
  evaluate(values: Values): unknown
}

export const maxSourceLength = 2_000

/** With every own function; the scopes' environments are clones of it. */
const base = new Environment({
  enableOptionalTypes: true,
  limits: { maxAstNodes: 1_000, maxDepth: 50, maxListElements: 200, maxMapEntries: 200, maxCallArguments: 8 },
})
declareFunctions(base)

function declareFunctions(cel: Environment): void {
  const declare = (
    name: string,
    receiverType: string | null,
    types: readonly string[],
    returnType: string,
    handler: (...args: never[]) => unknown,
  ) =>
    cel.registerFunction({
      name: ownPrefix + name,
      returnType,
      handler,
      params: types.map((type) => ({ type })),
      async: false,
      ...(receiverType === null ? {} : { receiverType }),
    })
  const timestamp = 'google.protobuf.Timestamp'
  declare('matches', 'string', ['string'], 'bool', (text: string, pattern: string) => {
    const compiled = compilePattern(pattern)
    if (!compiled.ok) throw new EvaluationError(`the pattern ${compiled.problem}`)
    return compiled.value.test(text)
  })
  for (const [name, getter] of Object.entries(zonedGetters)) declare(name, timestamp, ['string'], 'int', getter)
  declare('getDayOfYear', timestamp, [], 'int', dayOfYear)
  declare('timestamp', null, ['string'], timestamp, timestampOfText)
  declare('timestamp', null, ['int'], timestamp, (seconds: bigint) => {
    const date = new Date(Number(seconds) * 1000)
    if (Number.isNaN(date.getTime())) throw new EvaluationError(`${seconds} seconds are out of range`)
    return date
  })
}

/** A new environment with all own functions that `rewrite` puts in, and no variables. */
export function newCelEnvironment(): Environment {
  return base.clone()
}

const withoutSchema = new Map<Scope, ExpressionEnvironment>()
const bySchema = new WeakMap<ParameterSchema, Map<Scope, ExpressionEnvironment>>()

/** Cached per scope and schema object. Without a schema `parameters` is dynamic. Messages share the policies' environment. */
export function expressionEnvironment(where: Scope, parameters: ParameterSchema | null): ExpressionEnvironment {
  const scope = where === 'message' ? 'policy' : where
  let cache = parameters === null ? withoutSchema : bySchema.get(parameters)
  if (cache === undefined) bySchema.set(parameters as ParameterSchema, (cache = new Map()))
  const known = cache.get(scope)
  if (known !== undefined) return known
  const environment = makeEnvironment(scope, parameters)
  cache.set(scope, environment)
  return environment
}

function makeEnvironment(scope: Exclude<Scope, 'message'>, parameters: ParameterSchema | null): ExpressionEnvironment {
  const cel = base.clone()
  const { types, objects } = variablesOf(scope, parameters === null ? null : parameters.schema)
  for (const { cel: name, make, fields } of objects) {
    cel.registerType(name, { ctor: make, fields: Object.fromEntries([...fields].map(([field, type]) => [field, type.cel])) })
    // Without it, equality of objects is identity, and a difference from `previous` is always seen.
    cel.registerOperator(`${name} == ${name}`, sameValue)
  }
  for (const [name, type] of types) cel.registerVariable(name, type.cel)
  return { scope, parameters, cel, types, recent: null }
}

/** Equality of CEL by value, which cel-js has for maps and lists but not for types of one's own. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i]))
  if (a instanceof Map)
    return b instanceof Map && a.size === b.size && [...a].every(([key, value]) => b.has(key) && sameValue(value, b.get(key)))
  return a === b
}

/** Parses and type-checks. `number`: int or double. What is dynamic is checked again when it is evaluated. */
export function compileExpression(
  source: string,
  env: ExpressionEnvironment,
  expects: 'bool' | 'number' | 'any',
): Result<Expression, ExpressionError> {
  const wrong = (detail: string, at: number) => refuse({ detail, frame: codeFrame(source, at) })
  const notCel = (error: ParseError | CelTypeError | CelEvaluationError) => wrong(inWords(error, env), error.range?.start ?? 0)
  if (source.length > maxSourceLength) return wrong(`is longer than ${maxSourceLength} characters`, 0)
  if (source.trim() === '') return wrong('is empty', 0)
  try {
    const parsed = env.cel.parse(source)
    const { identifiers, refusal } = rewrite(parsed.ast)
    if (refusal !== null) return wrong(refusal.detail, refusal.at)
    const checked = parsed.check()
    if (checked.error !== undefined) return notCel(checked.error)
    const type = checked.type ?? 'dyn'
    if (!mayYield(type, expects)) return wrong(`yields ${type}, but ${wanted[expects]} is needed`, 0)
    const variables = [...identifiers].filter((name) => env.types.has(name))
    return ok({ source, type, evaluate: (values) => evaluate(parsed, env, variables, values, expects, source) })
  } catch (error) {
    if (error instanceof ParseError || error instanceof CelTypeError || error instanceof CelEvaluationError) return notCel(error)
    throw error
  }
}

type Expected = 'bool' | 'number' | 'any'

function mayYield(type: string, expects: Expected): boolean {
  if (expects === 'any' || type === 'dyn') return true
  return expects === 'bool' ? type === 'bool' : type === 'int' || type === 'double'
}

const wanted = { bool: 'true or false', number: 'a number', any: 'a value' } as const

function evaluate(
  run: (context: object) => unknown,
  env: ExpressionEnvironment,
  variables: readonly string[],
  values: Values,
  expects: Expected,
  source: string,
): unknown {
  const context = convert(env, variables, values)
  let result: unknown
  try {
    startCounting()
    result = run(context)
    checkCount()
  } catch (error) {
    if (error instanceof EvaluationError) throw error
    if (!(error instanceof CelEvaluationError))
      throw new EvaluationError(`there is no value: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    throw new EvaluationError(inWords(error, env) + placeIn(source, error), { cause: error })
  }
  const fits =
    expects === 'any' || (expects === 'bool' ? typeof result === 'boolean' : typeof result === 'bigint' || typeof result === 'number')
  if (!fits) throw new EvaluationError(`yields ${describe(result)}, but ${wanted[expects]} is needed`)
  return result
}

function placeIn(source: string, { node }: CelEvaluationError): string {
  return node === undefined ? '' : ` in ${source.slice(node.start, Math.min(node.end, node.start + 80))}`
}

function convert(env: ExpressionEnvironment, variables: readonly string[], values: Values): Record<string, unknown> {
  // Not a WeakMap by values: an entry for each plan cost more to collect than all other garbage of it.
  if (env.recent?.values !== values) env.recent = { values, context: {} }
  const { context } = env.recent
  for (const name of variables) {
    if (Object.hasOwn(context, name)) continue
    context[name] = convertVariable(env, name, values)
  }
  return context
}

function convertVariable(env: ExpressionEnvironment, name: string, values: Values): unknown {
  const value =
    name === 'requester' && values.requester !== undefined
      ? { ...values.requester, via: values.requester.via ?? '' }
      : values[name as keyof Values]
  if (value === undefined) throw new EvaluationError(`${name} is not known here`)
  const type = env.types.get(name) ?? dyn
  if (typeof value !== 'object' || !lasting.has(name)) return toCel(value, type)
  let card = cards.get(value)
  if (card === undefined) cards.set(value, (card = toCel(value, type)))
  return card
}

/** Variables that the documents of the platform give, so that their objects come again; each has the same type in every scope. */
const lasting = new Set(['team', 'environment', 'blueprint'])
/** What they were converted to: once for all blueprints, since there are many of those and many teams. */
const cards = new WeakMap<object, unknown>()

function inWords(error: ParseError | CelTypeError | CelEvaluationError, env: ExpressionEnvironment): string {
  const summary = error.summary.replaceAll(ownPrefix, '')
  if (error.code === 'unknown_variable') {
    const name = summary.replace('Unknown variable: ', '')
    const names = [...env.types.keys()].sort()
    const near = closest(name, names)
    return `there is no variable ${name} here${near === null ? `; there are ${names.join(', ')}` : `; did you mean ${near}?`}`
  }
  if (error.code === 'reserved_identifier' && summary.endsWith(' namespace'))
    return 'namespace is a reserved word; it is environment.namespace'
  return summary.charAt(0).toLowerCase() + summary.slice(1)
}
