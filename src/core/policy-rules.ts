import { partsOf, type Blueprint } from './blueprint.ts'
import type { Approvers } from './document/metadata.ts'
import type { PolicyDocument, PolicyRule } from './document/policy.ts'
import {
  compileExpression,
  EvaluationError,
  expressionEnvironment,
  type Expression,
  type ExpressionEnvironment,
  type ExpressionError,
} from './expression.ts'
import { isObject, pointerToken, type JsonObject } from './json.ts'
import { resolved } from './parameter-schema.ts'
import type { FieldError, Violation } from './problem.ts'
import type { Result } from './result.ts'
import type { ParameterSchema } from './schema.ts'
import { compileTemplate, compileText, type Template, type TextTemplate } from './template.ts'

/** A policy's rules, compiled against the parameters of one version of a blueprint. */
export type CompiledRule = {
  readonly policy: string
  readonly name: string
  readonly when: Expression
  readonly message: TextTemplate | null
  readonly remedy: TextTemplate | null
} & (
  | { readonly effect: 'deny' | 'warn' }
  | { readonly effect: 'require-approval'; readonly approvers: Approvers }
  | {
      readonly effect: 'set'
      readonly set: readonly { readonly key: string; readonly path: readonly string[]; readonly value: Template }[]
    }
)

export type SetRule = Extract<CompiledRule, { effect: 'set' }>
export type JudgingRule = Exclude<CompiledRule, SetRule>

export type CompiledRules = {
  readonly rules: readonly CompiledRule[]
  /** Rules that do not type-check here; each denies whatever it is asked about. */
  readonly broken: readonly { readonly policy: string; readonly name: string; readonly errors: readonly FieldError[] }[]
}

/** Without a blueprint `parameters` is dynamic: what is wrong then is wrong with every blueprint. Pointers start at the document. */
export function compileRules({ metadata, spec }: PolicyDocument, blueprint: Blueprint | null): CompiledRules {
  const schema = blueprint === null ? null : partsOf(blueprint).parameters
  const rules: CompiledRule[] = []
  const broken: { policy: string; name: string; errors: readonly FieldError[] }[] = []
  spec.rules.forEach((rule, i) => {
    const errors: FieldError[] = []
    const compiled = compileRule(metadata.name, rule, schema, `/spec/rules/${i}`, errors)
    if (compiled !== null && errors.length === 0) rules.push(compiled)
    else broken.push({ policy: metadata.name, name: rule.name, errors })
  })
  return { rules, broken }
}

function compileRule(
  policy: string,
  rule: PolicyRule,
  schema: ParameterSchema | null,
  pointer: string,
  errors: FieldError[],
): CompiledRule | null {
  const env = expressionEnvironment(rule.effect === 'set' ? 'set' : 'policy', schema)
  const text = (source: string | undefined, at: string) => {
    return source === undefined ? null : valueOrErrors(compileText(source, expressionEnvironment('message', schema), pointer + at), errors)
  }
  const when = compileExpression(rule.when, env, 'bool')
  if (!when.ok) errors.push(fieldError(`${pointer}/when`, when.problem))
  const message = text(rule.message, '/message')
  const remedy = text(rule.remedy, '/remedy')
  const parts = effectParts(rule, env, schema, pointer, errors)
  return when.ok ? { policy, name: rule.name, when: when.value, message, remedy, ...parts } : null
}

type EffectParts =
  | { effect: 'deny' | 'warn' }
  | { effect: 'require-approval'; approvers: Approvers }
  | { effect: 'set'; set: { key: string; path: string[]; value: Template }[] }

function effectParts(
  rule: PolicyRule,
  env: ExpressionEnvironment,
  schema: ParameterSchema | null,
  pointer: string,
  errors: FieldError[],
): EffectParts {
  switch (rule.effect) {
    case 'deny':
    case 'warn':
      return { effect: rule.effect }
    case 'require-approval':
      return { effect: rule.effect, approvers: rule.approvers ?? {} }
    case 'set': {
      const set = Object.entries(rule.set).flatMap(([key, tree]) => {
        const at = `${pointer}/set${pointerToken(key)}`
        const path = key.split('.').slice(1)
        if (schema !== null && !hasPath(schema.schema, path)) errors.push({ pointer: at, detail: 'is no parameter here' })
        const value = valueOrErrors(compileTemplate(tree, env, at), errors)
        return value === null ? [] : [{ key, path, value }]
      })
      return { effect: 'set', set }
    }
  }
}

/** Whether a schema lets a value have this path: a rule that sets anything else would make every request invalid. */
function hasPath(root: JsonObject, path: readonly string[]): boolean {
  let schema: unknown = root
  for (const name of path) {
    if (!isObject(schema)) return true
    const node = resolved(root, schema as JsonObject)
    const properties = node['properties']
    if (isObject(properties) && Object.hasOwn(properties, name)) schema = properties[name]
    else return node['additionalProperties'] !== false
  }
  return true
}

function valueOrErrors<T>(result: Result<T, readonly FieldError[]>, errors: FieldError[]): T | null {
  if (result.ok) return result.value
  errors.push(...result.problem)
  return null
}

function fieldError(pointer: string, { detail, frame }: ExpressionError): FieldError {
  return { pointer, detail, frame }
}

/** Fail closed: a rule that has no answer denies, whatever its effect. */
export function attempt(rule: Pick<CompiledRule, 'policy' | 'name'>, violations: Violation[], run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    violations.push({ policy: rule.policy, rule: rule.name, message: `Rule ${rule.name} cannot be evaluated: ${error.message}` })
  }
}
