import { resourceName } from './document/metadata.ts'
import { parseDuration } from './duration.ts'
import type { ChangeInput, PlanFacts, RequestInput } from './plan.ts'
import type { ResolvedChange, Where } from './plan-change.ts'
import { resolveBlueprint, type Platform } from './platform.ts'
import type { FieldError } from './problem.ts'
import { ok, refuse, type Result } from './result.ts'
import { compileShape } from './schema.ts'
import { closest } from './schema-wording.ts'

export type ResolvedRequest = { readonly where: Where; readonly changes: readonly ResolvedChange[] }

/** Looks up every name of a request; all that are unknown, twice there or no names are in one answer. */
export function resolveRequest(platform: Platform, input: RequestInput, facts: PlanFacts): Result<ResolvedRequest> {
  const errors: FieldError[] = []
  const team = platform.teams.get(input.team)
  if (team === undefined) errors.push(unknown('/team', 'team', input.team, platform.teams.keys()))
  const environment = platform.environments.get(input.environment)
  if (environment === undefined) errors.push(unknown('/environment', 'environment', input.environment, platform.environments.keys()))
  if (input.changes.length === 0) errors.push({ pointer: '/changes', detail: 'must have at least 1 item' })

  const names = new Map<string, number>()
  const changes = input.changes.flatMap((change, index) => {
    const at = `/changes/${index}`
    errors.push(...checkName(change.name, `${at}/name`))
    const twin = names.get(change.name)
    if (twin !== undefined)
      errors.push({ pointer: `${at}/name`, detail: `is in change ${twin} already; one request changes a resource once` })
    names.set(change.name, index)
    if (change.action === 'create' && change.ttl !== undefined && parseDuration(change.ttl) === null) {
      errors.push({
        pointer: `${at}/ttl`,
        detail: 'must be weeks, days or hours such as P2W, P14D or PT12H; more than nothing, and ten years at most',
      })
    }
    // Of an unknown place no resource is known either; one error for one mistake.
    if (change.action !== 'create' && (team === undefined || environment === undefined)) return []
    const resolved = resolveChange(platform, input, change, index, facts)
    if (resolved.ok) return [resolved.value]
    errors.push(...resolved.problem)
    return []
  })
  if (team === undefined || environment === undefined || errors.length > 0) return refuse({ code: 'invalid', errors })
  const existing = changes.find((change) => change.action === 'create' && facts.resources.has(change.input.name))
  if (existing !== undefined) {
    return refuse({
      code: 'resource-exists',
      name: existing.input.name,
      environment: environment.name,
      pointer: `/changes/${existing.index}/name`,
    })
  }
  return ok({ where: { platform, team, environment }, changes })
}

const nameShape = compileShape<string>(resourceName)

function checkName(name: string, pointer: string): readonly FieldError[] {
  return nameShape.parse(name).ok
    ? []
    : [
        {
          pointer,
          detail:
            'must be a name of lower-case letters, digits and -, beginning and ending with a letter or digit, of at most 50 characters',
        },
      ]
}

function resolveChange(
  platform: Platform,
  request: RequestInput,
  input: ChangeInput,
  index: number,
  facts: PlanFacts,
): Result<ResolvedChange, readonly FieldError[]> {
  if (input.action === 'create') {
    const blueprint = resolveBlueprint(platform, input.blueprint)
    return blueprint === null
      ? refuse([noBlueprint(platform, input.blueprint, index)])
      : ok({ action: input.action, index, input, blueprint, live: null })
  }
  const live = facts.resources.get(input.name)
  if (live === undefined) {
    return refuse([
      {
        pointer: `/changes/${index}/name`,
        detail: `names no resource of ${request.team} in ${request.environment}; a resource is there once its create is committed`,
      },
    ])
  }
  const current = resolveBlueprint(platform, `${live.blueprint.name}@${live.blueprint.version}`)
  if (current === null)
    throw new Error(`resource ${live.id} has blueprint ${live.blueprint.name}@${live.blueprint.version}, which the platform has not`)
  if (input.action === 'delete') return ok({ action: input.action, index, input, blueprint: current, live })
  if (input.blueprint === undefined) return ok({ action: input.action, index, input, blueprint: current, live })

  const blueprint = resolveBlueprint(platform, input.blueprint)
  if (blueprint === null) return refuse([noBlueprint(platform, input.blueprint, index)])
  if (blueprint.name !== current.name) {
    return refuse([
      {
        pointer: `/changes/${index}/blueprint`,
        detail: `${input.name} is a ${current.name}; an update can move it to another version of ${current.name}, not to ${blueprint.name}`,
      },
    ])
  }
  return ok({ action: input.action, index, input, blueprint, live })
}

function noBlueprint(platform: Platform, reference: string, index: number): FieldError {
  const [name = '', version] = reference.split('@')
  const pointer = `/changes/${index}/blueprint`
  const versions = platform.blueprints.get(name)
  if (versions === undefined) return unknown(pointer, 'blueprint', name, platform.blueprints.keys())
  const shown = versions
    .slice(0, 10)
    .map((b) => b.version)
    .join(', ')
  if (version === undefined) return { pointer, detail: `${name} has deprecated versions only; name one of them if you must: ${shown}` }
  return { pointer, detail: `${name} has no version ${version}; it has ${shown}` }
}

function unknown(pointer: string, noun: string, name: string, names: Iterable<string>): FieldError {
  const near = closest(name, [...names])
  return { pointer, detail: `names no ${noun} that there is${near === null ? '' : `; did you mean ${near}?`}` }
}
