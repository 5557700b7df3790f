import type { Blueprint } from './blueprint.ts'
import type { PolicyMatch } from './document/policy.ts'
import { pointerToken } from './json.ts'
import type { Platform } from './platform.ts'
import { matchesAny, type Policy } from './policy.ts'
import { compileRules } from './policy-rules.ts'
import { runPolicyTest } from './policy-test.ts'
import type { FieldError } from './problem.ts'

/** What is wrong with a policy on this platform. Pointers start at the document. */
export function checkPolicy(platform: Platform, policy: Policy): readonly FieldError[] {
  const everywhere = compileRules(policy.document, null).broken.flatMap((rule) => rule.errors)
  if (everywhere.length > 0) return everywhere
  const errors = [...checkAgainstBlueprints(platform, policy), ...checkConstantRules(platform, policy)]
  return errors.length > 0 ? errors : checkTests(platform, policy)
}

/** Every version counts: a resource of an old one is updated and deleted under today's policies. */
function checkAgainstBlueprints(platform: Platform, policy: Policy): readonly FieldError[] {
  const errors = new Map<string, FieldError>()
  for (const blueprint of coveredBlueprints(platform, policy)) {
    for (const error of policy.rulesFor(blueprint).broken.flatMap((rule) => rule.errors)) {
      if (!errors.has(error.pointer))
        errors.set(error.pointer, { ...error, detail: `${error.detail} (with ${blueprint.name} ${blueprint.version})` })
    }
  }
  return [...errors.values()]
}

function coveredBlueprints(platform: Platform, policy: Policy): readonly Blueprint[] {
  const globs = policy.document.spec.match?.blueprints
  return [...platform.blueprints].flatMap(([name, versions]) => (matchesAny(globs, name) ? versions.filter((b) => b.compiled().ok) : []))
}

/** Under which existing policies a version would stop type-checking; `skip`: those that are checked themselves. */
export function checkPoliciesOver(platform: Platform, blueprint: Blueprint, skip: ReadonlySet<string>): readonly FieldError[] {
  if (!blueprint.compiled().ok) return []
  return platform.policies
    .filter((policy) => !skip.has(policy.name) && matchesAny(policy.document.spec.match?.blueprints, blueprint.name))
    .flatMap((policy) => policy.rulesFor(blueprint).broken)
    .flatMap(({ policy, name, errors }) =>
      errors.map(({ detail, frame }) => ({
        pointer: '/spec/parameters',
        detail: `policy ${policy} would stop type-checking: rule ${name}: ${detail}`,
        ...(frame === undefined ? {} : { frame }),
      })),
    )
}

type ConstantSetting = { readonly policy: Policy; readonly rule: string; readonly key: string; readonly pointer: string }

/** Two rules that always set one parameter always conflict, wherever both policies match. */
function checkConstantRules(platform: Platform, policy: Policy): readonly FieldError[] {
  const own = constantSettings(policy)
  if (own.length === 0) return []
  const others = platform.policies.filter((p) => p !== policy && mayMeet(platform, p, policy)).flatMap(constantSettings)
  return own.flatMap((setting, i) => {
    const rival = [...own.slice(0, i), ...others].find((other) =>
      other.rule !== setting.rule || other.policy !== setting.policy ? isWithin(other.key, setting.key) : false,
    )
    return rival === undefined
      ? []
      : [{ pointer: setting.pointer, detail: `is always set by rule ${rival.rule} of policy ${rival.policy.name} too` }]
  })
}

function constantSettings(policy: Policy): readonly ConstantSetting[] {
  return policy.document.spec.rules.flatMap((rule, i) => {
    if (rule.effect !== 'set' || rule.when.trim() !== 'true') return []
    return Object.keys(rule.set).map((key) => ({ policy, rule: rule.name, key, pointer: `/spec/rules/${i}/set${pointerToken(key)}` }))
  })
}

function isWithin(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`)
}

/** Whether there is a change that both cover, by the names that there are today; what comes later is found when it is decided. */
function mayMeet(platform: Platform, a: Policy, b: Policy): boolean {
  const [x, y]: [PolicyMatch, PolicyMatch] = [a.document.spec.match ?? {}, b.document.spec.match ?? {}]
  const shares = (p: readonly string[] | undefined, q: readonly string[] | undefined, names: Iterable<string>) =>
    p === undefined || q === undefined || [...names].some((name) => matchesAny(p, name) && matchesAny(q, name))
  return (
    shares(x.environments, y.environments, platform.environments.keys()) &&
    shares(x.blueprints, y.blueprints, platform.blueprints.keys()) &&
    shares(x.teams, y.teams, platform.teams.keys()) &&
    (['create', 'update'] as const).some((action) => [x, y].every((m) => m.actions === undefined || m.actions.includes(action)))
  )
}

/** The tests that do not hold. */
export function checkTests(platform: Platform, policy: Policy): readonly FieldError[] {
  return (policy.document.spec.tests ?? []).flatMap((test, i) => {
    const failure = runPolicyTest(platform, policy, test)
    return failure === null ? [] : [{ pointer: `/spec/tests/${i}`, detail: `test ${JSON.stringify(test.name)} fails: ${failure}` }]
  })
}
