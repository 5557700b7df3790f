import { partsOf, withDefaults, type Blueprint } from './blueprint.ts'
import type { PolicyTest } from './document/policy.ts'
import type { JsonObject } from './json.ts'
import type { Decision } from './plan.ts'
import { resolveBlueprint, type Environment, type Platform, type Team } from './platform.ts'
import { evaluatePolicies, matches, outcomeOf, type Policy, type Verdict } from './policy.ts'

/** Runs one test of a policy, with that policy alone. Null when it holds, or when it names something that there is not. */
export function runPolicyTest(platform: Platform, policy: Policy, test: PolicyTest): string | null {
  const { given } = test
  const blueprint = resolveBlueprint(platform, given.blueprint)
  const environment = platform.environments.get(given.environment)
  const team = platform.teams.get(given.team)
  if (blueprint === null || environment === undefined || team === undefined) return null
  const verdict = judge(policy, test, blueprint, environment, team)
  if (typeof verdict === 'string') return `expected ${test.expect}, but ${verdict}`
  const spoken = new Set([...verdict.violations, ...verdict.warnings, ...verdict.approvals, ...verdict.applied].map((said) => said.rule))
  const outcome = outcomeOf(verdict)
  const silent = test.rules?.filter((rule) => !spoken.has(rule)) ?? []
  if (outcome === test.expect && silent.length === 0) return null
  const expected = `expected ${test.expect}${test.rules === undefined ? '' : ` by ${test.rules.join(', ')}`}`
  return `${expected}, got ${outcome}${spoken.size === 0 ? '' : ` by ${[...spoken].join(', ')}`}${reasons(outcome, verdict)}`
}

function judge(policy: Policy, { given }: PolicyTest, blueprint: Blueprint, environment: Environment, team: Team): Verdict | string {
  const { action = 'create', parameters = {}, requester = {} } = given
  const previous = previousOf(blueprint, environment.name, given)
  const context = {
    team: team.card,
    environment: environment.cardFor(team.name),
  }
  const priced = { action, ...context, blueprint: blueprint.card, parameters: previous }
  const before = action === 'create' ? null : partsOf(blueprint).price.quote(priced)
  const result = evaluatePolicies(
    matches(policy.document.spec.match, { team: team.name, environment: environment.name, blueprint: blueprint.name, action })
      ? [policy]
      : [],
    {
      action,
      ...context,
      blueprint,
      resource: given.name ?? 'example',
      parameters: action === 'delete' ? previous : parameters,
      previous,
      costBefore: before?.ok ? before.value : 0n,
      requester: {
        subject: requester.subject ?? 'someone@example.com',
        kind: requester.kind ?? 'person',
        roles: requester.roles ?? ['developer', 'viewer'],
        via: requester.via ?? null,
        groups: requester.groups ?? [],
      },
      now: new Date(given.now ?? 0),
    },
    '',
  )
  if (result.ok) return result.value
  const { problem } = result
  const errors =
    'errors' in problem ? problem.errors.map((e) => `${e.pointer === '' ? 'they' : e.pointer.slice(1)} ${e.detail}`) : [problem.code]
  return `the parameters are not valid: ${errors.join('; ')}`
}

function previousOf(
  blueprint: Blueprint,
  environment: string,
  { action = 'create', parameters = {}, previous }: PolicyTest['given'],
): JsonObject {
  switch (action) {
    case 'create':
      return {}
    case 'update':
      return withDefaults(blueprint, environment, previous ?? {})
    case 'delete':
      return withDefaults(blueprint, environment, previous ?? parameters)
  }
}

function reasons(outcome: Decision['outcome'], { violations }: Verdict): string {
  return outcome === 'denied' ? `: ${violations.map((v) => v.message).join('; ')}` : ''
}
