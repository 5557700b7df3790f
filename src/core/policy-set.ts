import type { Values } from './expression.ts'
import { canonicalize, isObject, setOwn, type Json, type JsonObject } from './json.ts'
import type { AppliedRule } from './plan.ts'
import { attempt, type CompiledRule, type SetRule } from './policy-rules.ts'
import type { Violation } from './problem.ts'

type Setting = { readonly rule: CompiledRule; readonly key: string; readonly path: readonly string[]; readonly value: Json }

export type SetOutcome = { readonly parameters: JsonObject; readonly applied: readonly AppliedRule[] }

/**
 * What all `set` rules make of the parameters; the same object when they change nothing. All of them see the same input, so
 * their order means nothing: two that disagree deny. Null as a value removes, as in a merge patch.
 */
export function applySetRules(
  rules: readonly SetRule[],
  values: Values & { readonly parameters: JsonObject },
  violations: Violation[],
): SetOutcome {
  if (rules.length === 0) return { parameters: values.parameters, applied: [] }
  const settings: Setting[] = []
  const applied: AppliedRule[] = []
  for (const rule of rules) {
    attempt(rule, violations, () => {
      if (rule.when.evaluate(values) !== true) return
      for (const { key, path, value } of rule.set) settings.push({ rule, key, path, value: value.render(values) })
    })
  }
  let parameters = values.parameters
  settings.forEach((setting, i) => {
    const other = settings.slice(0, i).find((earlier) => conflict(earlier, setting))
    if (other !== undefined) {
      const message = `Rules ${other.rule.policy}/${other.rule.name} and ${setting.rule.policy}/${setting.rule.name} set ${setting.key} to different values`
      violations.push({ policy: setting.rule.policy, rule: setting.rule.name, message })
      return
    }
    if (sameValue(valueAt(values.parameters, setting.path), setting.value)) return
    parameters = withValue(parameters, setting.path, setting.value)
    note(applied, setting)
  })
  return { parameters, applied }
}

/** One inside the other counts: then the outcome would depend on the order. */
function conflict(a: Setting, b: Setting): boolean {
  const shared = Math.min(a.path.length, b.path.length)
  if (a.rule === b.rule && a.key === b.key) return false
  for (let i = 0; i < shared; i++) if (a.path[i] !== b.path[i]) return false
  return a.path.length !== b.path.length || !sameValue(a.value, b.value)
}

function note(applied: AppliedRule[], { rule, key, value }: Setting): void {
  const last = applied.at(-1)
  if (last !== undefined && last.policy === rule.policy && last.rule === rule.name)
    applied[applied.length - 1] = { ...last, set: { ...last.set, [key]: value } }
  else applied.push({ policy: rule.policy, rule: rule.name, set: { [key]: value } })
}

/** The same settings on other parameters. */
export function withSettings(parameters: JsonObject, applied: readonly AppliedRule[]): JsonObject {
  let changed = parameters
  for (const { set } of applied) {
    for (const [key, value] of Object.entries(set)) changed = withValue(changed, key.split('.').slice(1), value)
  }
  return changed
}

function valueAt(parameters: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = parameters
  for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined
  return value
}

function withValue(object: JsonObject, [name = '', ...rest]: readonly string[], value: Json): JsonObject {
  const copy: Record<string, Json> = { ...object }
  if (rest.length > 0) {
    const inner = Object.hasOwn(object, name) ? object[name] : undefined
    setOwn(copy, name, withValue(isObject(inner) ? (inner as JsonObject) : {}, rest, value))
  } else if (value === null) {
    delete copy[name]
  } else {
    setOwn(copy, name, value)
  }
  return copy
}

/** Null is the same as absent, since setting null removes. */
function sameValue(a: Json | undefined, b: Json | undefined): boolean {
  return a === b || canonicalize(a ?? null) === canonicalize(b ?? null)
}
