import {
  EvaluationError as CelEvaluationError,
  Optional,
  ParseError,
  TypeError as CelTypeError,
  type Environment,
} from '@marcbachmann/cel-js'
import { codeFrame } from '../code-frame.ts'
import { EvaluationError } from '../expression/evaluation-error.ts'
import { checkCount, ownPrefix, rewrite, startCounting } from '../expression/rewrite.ts'
import { newCelEnvironment, sameValue } from '../expression.ts'
import { isObject, pointerToken, type Json, type JsonObject } from '../json.ts'
import type { FieldError } from '../problem.ts'
import { maxErrors } from './checks.ts'
import type { Node, WrittenRule } from './node.ts'
import { declareKubernetesFunctions } from './rule-functions.ts'
import { ruleTypeOf, toRuleValue, type RuleType } from './rule-types.ts'
import { listKey } from './validate.ts'

/**
 * `x-kubernetes-validations`: CEL over `self`, and over `oldSelf` on updates
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules). A rule
 * that cannot be compiled is an error of its schema, and one that cannot be evaluated is broken: none is ever passed over.
 */
export type Rules = {
  /** What is broken, each at the field that the rule is about. `old` is undefined on create. */
  evaluate(value: Json, old: Json | undefined, pointer: string): readonly FieldError[]
}

type Rule = {
  readonly written: WrittenRule
  /** Reads `oldSelf`, so that it is silent as long as there is none. */
  readonly isTransition: boolean
  readonly run: (variables: object) => unknown
  readonly say: ((variables: object) => unknown) | null
}
type Compiled = { readonly type: RuleType; readonly rules: readonly Rule[] }

/** Rules of published definitions are longer than what people write into blueprints, and nest as deep as lists of lists do. */
export const maxRuleLength = 10_000
const maxNesting = 4

let base: Environment | null = null

export function compileRules(root: Node, errors: FieldError[]): Rules {
  const compiled = new Map<Node, Compiled>()
  const interesting = new Set<Node>()
  const visit = (node: Node, correlatable: boolean): boolean => {
    let inside = false
    for (const field of node.properties.values()) inside = visit(field, correlatable) || inside
    if (typeof node.additional !== 'boolean') inside = visit(node.additional, correlatable) || inside
    if (node.items !== null) inside = visit(node.items, correlatable && node.listType === 'map') || inside
    if (node.rules.length > 0) compiled.set(node, compileNode(node, correlatable, errors))
    const found = inside || node.rules.length > 0
    if (found) interesting.add(node)
    return found
  }
  visit(root, true)
  return {
    evaluate: (value, old, pointer) => {
      const broken: FieldError[] = []
      if (interesting.has(root)) walk({ compiled, interesting, broken }, root, value, old, pointer)
      return broken
    },
  }
}

type Walk = { readonly compiled: ReadonlyMap<Node, Compiled>; readonly interesting: ReadonlySet<Node>; readonly broken: FieldError[] }

function walk(at: Walk, node: Node, value: Json, old: Json | undefined, path: string): void {
  if (value === null || at.broken.length >= maxErrors) return
  const own = at.compiled.get(node)
  if (own !== undefined) evaluateNode(own, value, old, path, at.broken)
  if (Array.isArray(value)) {
    const { items } = node
    if (items === null || !at.interesting.has(items)) return
    const before = new Map(Array.isArray(old) && node.listType === 'map' ? old.map((item: Json) => [listKey(node, item), item]) : [])
    value.forEach((item: Json, i) => walk(at, items, item, before.get(listKey(node, item)), `${path}/${i}`))
  } else if (isObject(value)) {
    const before: JsonObject = isObject(old) ? (old as JsonObject) : {}
    for (const [name, member] of Object.entries(value as JsonObject)) {
      const sub = node.properties.get(name) ?? node.additional
      if (typeof sub !== 'boolean' && at.interesting.has(sub))
        walk(at, sub, member, Object.hasOwn(before, name) ? before[name] : undefined, path + pointerToken(name))
    }
  }
}

function evaluateNode({ type, rules }: Compiled, value: Json, old: Json | undefined, path: string, broken: FieldError[]): void {
  const applicable = rules.filter((rule) => !rule.isTransition || rule.written.optionalOldSelf || (old !== undefined && old !== null))
  if (applicable.length === 0) return
  const before = old === undefined || old === null ? undefined : attempt(() => toRuleValue(old, type))
  const self = attempt(() => toRuleValue(value, type))
  for (const rule of applicable) {
    const { written } = rule
    const pointer = path + fieldPointer(written.fieldPath)
    if (!self.ok) broken.push({ pointer, detail: notEvaluated(written, self.why) })
    else if (before?.ok === false) broken.push({ pointer, detail: notEvaluated(written, before.why) })
    else {
      const was = before?.value
      const oldSelf = written.optionalOldSelf ? (was === undefined ? Optional.none() : Optional.of(was)) : was
      const variables = { self: self.value, oldSelf }
      const outcome = attempt(() => run(rule.run, variables))
      if (!outcome.ok) broken.push({ pointer, detail: notEvaluated(written, outcome.why) })
      else if (outcome.value !== true) broken.push({ pointer, detail: messageOf(rule, variables) })
    }
  }
}

function run(program: (variables: object) => unknown, variables: object): unknown {
  startCounting()
  const result = program(variables)
  checkCount()
  return result
}

type Attempt = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string }

function attempt(make: () => unknown): Attempt {
  try {
    return { ok: true, value: make() }
  } catch (error) {
    if (error instanceof EvaluationError) return { ok: false, why: error.message }
    if (error instanceof CelEvaluationError || error instanceof CelTypeError) return { ok: false, why: inWords(error.summary) }
    return { ok: false, why: error instanceof Error ? error.message : String(error) }
  }
}

function notEvaluated({ rule }: WrittenRule, why: string): string {
  return `breaks a rule that cannot be evaluated: ${why} in ${shortened(rule)}`
}

function messageOf({ written, say }: Rule, variables: object): string {
  const said = say === null ? null : attempt(() => run(say, variables))
  if (said?.ok === true && typeof said.value === 'string' && said.value.trim() !== '') return shortened(said.value)
  return written.message ?? `breaks the rule ${shortened(written.rule)}`
}

function shortened(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ')
  return line.length > 300 ? `${line.slice(0, 300)}…` : line
}

/** `.metadata.name`, `['a.b']` → a pointer. */
function fieldPointer(path: string | null): string {
  if (path === null) return ''
  return [...path.matchAll(/\.([A-Za-z0-9_-]+)|\['([^']*)'\]/g)].map(([, plain, quoted]) => pointerToken(plain ?? quoted ?? '')).join('')
}

function compileNode(node: Node, correlatable: boolean, errors: FieldError[]): Compiled {
  const taken = new Set<string>()
  const type = ruleTypeOf(node, 'self', taken)
  const cel = environmentFor(type)
  const rules = node.rules.flatMap((written): readonly Rule[] => {
    // A clone: the same name has another type where old values are optional.
    const own = cel.clone().registerVariable('oldSelf', written.optionalOldSelf ? `optional<${type.cel}>` : type.cel)
    const rule = compileOne(own, written.rule, 'bool', `${written.pointer}/rule`, errors)
    const say =
      written.messageExpression === null
        ? null
        : compileOne(own, written.messageExpression, 'string', `${written.pointer}/messageExpression`, errors)
    if (rule === null) return []
    if (rule.identifiers.has('oldSelf') && !correlatable) {
      const detail = 'reads oldSelf of an item that has no key: only lists of x-kubernetes-list-type map have items with a before'
      errors.push({ pointer: `${written.pointer}/rule`, detail })
    }
    return [{ written, isTransition: rule.identifiers.has('oldSelf'), run: rule.run, say: say?.run ?? null }]
  })
  return { type, rules }
}

function environmentFor(type: RuleType): Environment {
  if (base === null) {
    base = newCelEnvironment()
    declareKubernetesFunctions(base)
  }
  const cel = base.clone()
  declareTypes(cel, type)
  return cel.registerVariable('self', type.cel)
}

/** Innermost first, since a type names those of its fields. */
function declareTypes(cel: Environment, type: RuleType): void {
  switch (type.kind) {
    case 'scalar':
      return
    case 'list':
      return declareTypes(cel, type.items)
    case 'map':
      return declareTypes(cel, type.values)
    case 'object':
      for (const field of type.fields.values()) declareTypes(cel, field.type)
      cel.registerType(type.cel, {
        ctor: type.make,
        fields: Object.fromEntries([...type.fields.values()].map(({ name, type: { cel: of } }) => [name, of])),
      })
      cel.registerOperator(`${type.cel} == ${type.cel}`, sameValue)
  }
}

type Program = { readonly run: (variables: object) => unknown; readonly identifiers: ReadonlySet<string> }

function compileOne(cel: Environment, source: string, expects: 'bool' | 'string', pointer: string, errors: FieldError[]): Program | null {
  const wrong = (detail: string, at: number) => {
    errors.push({ pointer, detail, frame: codeFrame(source, at) })
    return null
  }
  if (source.length > maxRuleLength) return wrong(`is longer than ${maxRuleLength} characters`, 0)
  try {
    const parsed = cel.parse(source)
    const { identifiers, refusal } = rewrite(parsed.ast, maxNesting)
    if (refusal !== null) return wrong(refusal.detail, refusal.at)
    const { error, type = 'dyn' } = parsed.check()
    if (error !== undefined) return wrong(`cannot be evaluated: ${inWords(error.summary)}`, error.range?.start ?? 0)
    if (type !== expects && type !== 'dyn') return wrong(`yields ${type}, but ${expects} is needed`, 0)
    return { run: parsed, identifiers }
  } catch (error) {
    if (!(error instanceof ParseError || error instanceof CelTypeError || error instanceof CelEvaluationError)) throw error
    return wrong(`cannot be evaluated: ${inWords(error.summary)}`, error.range?.start ?? 0)
  }
}

function inWords(summary: string): string {
  const text = summary.replaceAll(ownPrefix, '')
  return text.charAt(0).toLowerCase() + text.slice(1)
}
