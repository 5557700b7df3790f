import { partsOf, withEnvironment, type Blueprint } from './blueprint.ts'
import type { Approvers } from './document/metadata.ts'
import type { PolicyDocument, PolicyMatch } from './document/policy.ts'
import { EvaluationError, type Values } from './expression.ts'
import { canonicalize, digest, type JsonObject } from './json.ts'
import type { Action, AppliedRule, Decision, Requirement, Warning } from './plan.ts'
import { attempt, compileRules, type CompiledRule, type CompiledRules, type JudgingRule, type SetRule } from './policy-rules.ts'
import { applySetRules, withSettings } from './policy-set.ts'
import { toDouble } from './price.ts'
import type { Problem, Violation } from './problem.ts'
import { ok, refuse, type Result } from './result.ts'
import type { ParameterSchema } from './schema.ts'

/**
 * What policy says about one change. The order is: defaults, validation, every `set` rule on the same input, validation
 * again, price, every other rule. Nothing stops at the first reason, and a rule that cannot be evaluated denies (fail
 * closed): adding a rule never allows more.
 */

export type Policy = {
  readonly name: string
  readonly revision: number
  readonly document: PolicyDocument
  /** `sha256:…` of the document. */
  digest(): string
  /** Compiled once per version of a blueprint. */
  rulesFor(blueprint: Blueprint): CompiledRules
}

export function makePolicy(document: PolicyDocument, revision: number): Policy {
  const byBlueprint = new WeakMap<Blueprint, CompiledRules>()
  let own: string | null = null
  return {
    name: document.metadata.name,
    revision,
    document,
    digest: () => (own ??= digest(canonicalize(document))),
    rulesFor: (blueprint) => {
      let rules = byBlueprint.get(blueprint)
      if (rules === undefined) byBlueprint.set(blueprint, (rules = compileRules(document, blueprint)))
      return rules
    },
  }
}

/** What a policy's `match` looks at. */
export type Subject = { readonly team: string; readonly environment: string; readonly blueprint: string; readonly action: Action }

export function matches(match: PolicyMatch | undefined, subject: Subject): boolean {
  if (match === undefined) return true
  return (
    matchesAny(match.environments, subject.environment) &&
    matchesAny(match.blueprints, subject.blueprint) &&
    matchesAny(match.teams, subject.team) &&
    (match.actions === undefined || match.actions.includes(subject.action))
  )
}

/** Left out means any. */
export function matchesAny(globs: readonly string[] | undefined, name: string): boolean {
  return globs === undefined || globs.some((glob) => matchesGlob(glob, name))
}

/** `*` is any text. Greedy from the left with one step back to the last star: no more than |glob| × |name| steps. */
function matchesGlob(glob: string, name: string): boolean {
  let g = 0
  let n = 0
  let star = -1
  let resume = 0
  while (n < name.length) {
    if (glob[g] === '*') {
      star = g++
      resume = n
    } else if (g < glob.length && glob[g] === name[n]) {
      g++
      n++
    } else if (star >= 0) {
      g = star + 1
      n = ++resume
    } else {
      return false
    }
  }
  while (glob[g] === '*') g++
  return g === glob.length
}

/** A change as policy sees it. On delete `parameters` is what is there; otherwise it is what is wanted, before defaults. */
export type PolicyInput = {
  readonly action: Action
  readonly team: NonNullable<Values['team']>
  readonly environment: NonNullable<Values['environment']>
  readonly blueprint: Blueprint
  readonly resource: string
  readonly parameters: JsonObject
  /** Empty on create. */
  readonly previous: JsonObject
  readonly costBefore: bigint
  readonly requester: NonNullable<Values['requester']>
  readonly now: Date
}

export type Verdict = {
  /** Effective: defaults and `set` rules included. */
  readonly parameters: JsonObject
  readonly costAfter: bigint
  readonly violations: readonly Violation[]
  readonly warnings: readonly Warning[]
  readonly applied: readonly AppliedRule[]
  readonly approvals: readonly Requirement[]
  /** The variables that were decided on, for the manifests. */
  readonly values: Values
}

/** `pointer` is where the parameters stand in what the caller sent. */
export function evaluatePolicies(policies: readonly Policy[], input: PolicyInput, pointer: string): Result<Verdict> {
  const { blueprint, action } = input
  const { setting, judging, broken } = rulesOf(policies, blueprint)
  const violations: Violation[] = [...broken]
  const resource = { name: input.resource }
  const settled =
    action === 'delete'
      ? ok({ parameters: input.parameters, given: input.parameters, applied: [] })
      : settle(setting, resource, input, pointer, violations)
  if (!settled.ok) return settled
  const { parameters, given, applied } = settled.value

  let costAfter = 0n
  if (action !== 'delete') {
    const price = partsOf(blueprint).price.quote(valuesOf(input, resource, parameters, given, undefined))
    if (!price.ok)
      return refuse({
        code: 'invalid-parameters',
        errors: [{ pointer, detail: `have no price with ${blueprint.name} ${blueprint.version}: ${price.problem}` }],
      })
    costAfter = price.value
  }
  const [before, after] = [toDouble(input.costBefore), toDouble(costAfter)]
  const values = valuesOf(input, resource, parameters, given, { before, after, delta: toDouble(costAfter - input.costBefore) })
  const judged = judge(judging, values, input.team.name, violations)
  return ok({ parameters, costAfter, violations, applied, values, ...judged })
}

/** Member by member: to spread those that stay, three times, cost as much as five rules. */
function valuesOf(
  { action, team, environment, blueprint, previous, requester, now }: PolicyInput,
  resource: NonNullable<Values['resource']>,
  parameters: JsonObject,
  given: JsonObject,
  cost: Values['cost'],
): Values & { readonly parameters: JsonObject } {
  return { action, team, environment, blueprint: blueprint.card, resource, parameters, given, previous, cost, requester, now }
}

type Rules = {
  readonly setting: readonly SetRule[]
  readonly judging: readonly JudgingRule[]
  /** Of rules that do not fit the blueprint. */
  readonly broken: readonly Violation[]
}

/** By the list of policies, which `policiesFor` gives again as long as the platform stays as it is. */
const known = new WeakMap<readonly Policy[], WeakMap<Blueprint, Rules>>()

function rulesOf(policies: readonly Policy[], blueprint: Blueprint): Rules {
  let byBlueprint = known.get(policies)
  if (byBlueprint === undefined) known.set(policies, (byBlueprint = new WeakMap()))
  let rules = byBlueprint.get(blueprint)
  if (rules === undefined) byBlueprint.set(blueprint, (rules = gatherRules(policies, blueprint)))
  return rules
}

function gatherRules(policies: readonly Policy[], blueprint: Blueprint): Rules {
  const compiled = policies.map((policy) => policy.rulesFor(blueprint))
  const rules = compiled.flatMap((c) => c.rules)
  return {
    setting: rules.filter((rule) => rule.effect === 'set'),
    judging: rules.filter((rule) => rule.effect !== 'set'),
    broken: compiled.flatMap((c) =>
      c.broken.map(({ policy, name, errors }) => ({
        policy,
        rule: name,
        message: `Rule ${name} does not fit ${blueprint.name} ${blueprint.version}: ${errors.map((e) => e.detail).join('; ')}`,
      })),
    ),
  }
}

/** `given`: what makes `parameters` by the schema's defaults alone. */
type Settled = { readonly parameters: JsonObject; readonly given: JsonObject; readonly applied: readonly AppliedRule[] }

/** Defaults, validation, `set`, validation. */
function settle(
  rules: readonly SetRule[],
  resource: NonNullable<Values['resource']>,
  input: PolicyInput,
  pointer: string,
  violations: Violation[],
): Result<Settled> {
  const { action, blueprint, environment } = input
  const schema = partsOf(blueprint).parameters
  const previous = action === 'update' ? input.previous : undefined
  const given = withEnvironment(blueprint, environment.name, input.parameters)
  const asked = schema.withDefaults(given)
  const wrong = schema.validate(asked, pointer, previous)
  if (wrong.length > 0) return refuse({ code: 'invalid-parameters', errors: wrong })
  const { parameters: changed, applied } = applySetRules(rules, valuesOf(input, resource, asked, given, undefined), violations)
  if (changed === asked) return ok({ parameters: asked, given, applied })
  const parameters = schema.withDefaults(changed)
  const wrongNow = schema.validate(parameters, pointer, previous)
  if (wrongNow.length === 0) return ok({ parameters, given: givenAfter(schema, given, applied, parameters), applied })
  const by = applied.map((a) => `${a.policy}/${a.rule}`).join(', ')
  return refuse({
    code: 'invalid-parameters',
    errors: wrongNow.map((e) => ({ ...e, detail: `${e.detail} (after policy set it: ${by})` })),
  } satisfies Problem)
}

/**
 * What was asked for with what policy set, where the schema's defaults make of it what was decided on. Where they do not
 * (a set field of an object that was itself a default), everything is given.
 */
function givenAfter(schema: ParameterSchema, given: JsonObject, applied: readonly AppliedRule[], parameters: JsonObject): JsonObject {
  const changed = withSettings(given, applied)
  return canonicalize(schema.withDefaults(changed)) === canonicalize(parameters) ? changed : parameters
}

function judge(
  rules: readonly JudgingRule[],
  values: Values,
  team: string,
  violations: Violation[],
): { warnings: Warning[]; approvals: Requirement[] } {
  const warnings: Warning[] = []
  const approvals: Requirement[] = []
  for (const rule of rules) {
    attempt(rule, violations, () => {
      if (rule.when.evaluate(values) !== true) return
      const { policy, name } = rule
      switch (rule.effect) {
        case 'deny': {
          const remedy = rule.remedy === null ? {} : { remedy: say(rule.remedy, values, '') }
          violations.push({
            policy,
            rule: name,
            message: say(rule.message, values, `Rule ${name} of policy ${policy} denies this`),
            ...(remedy.remedy === '' ? {} : remedy),
          })
          break
        }
        case 'warn':
          warnings.push({ policy, rule: name, message: say(rule.message, values, `Rule ${name} of policy ${policy} warns of this`) })
          break
        case 'require-approval':
          approvals.push({ source: 'policy', policy, rule: name, ...requirement(rule.approvers, team) })
          break
      }
    })
  }
  return { warnings, approvals }
}

export function requirement(
  { team, role = 'approver', count = 1 }: Approvers,
  requestingTeam: string,
): Pick<Requirement, 'approvers' | 'required'> {
  return { approvers: { team: team ?? requestingTeam, role }, required: count }
}

export function outcomeOf({ violations, approvals }: Pick<Decision, 'violations' | 'approvals'>): Decision['outcome'] {
  if (violations.length > 0) return 'denied'
  return approvals.length > 0 ? 'requires_approval' : 'allowed'
}

/** A message that cannot be rendered must not hide the verdict. */
function say(text: CompiledRule['message'], values: Values, otherwise: string): string {
  try {
    return text === null ? otherwise : text.render(values)
  } catch (error) {
    if (error instanceof EvaluationError) return otherwise
    throw error
  }
}
