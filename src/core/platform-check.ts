import { checkBlueprint } from './blueprint-check.ts'
import type { Document } from './document/document.ts'
import { checkPlace, maxNamespace, overlap } from './place.ts'
import { resolveBlueprint, type Environment, type Platform, type Team } from './platform.ts'
import { checkPoliciesOver, checkPolicy, checkTests } from './policy-check.ts'
import type { FieldError } from './problem.ts'
import { referencesOf, type Reference } from './references.ts'
import { accessOf, sameAccess } from './repository.ts'
import { ok, refuse, type Result } from './result.ts'
import { closest } from './schema-wording.ts'
import { checkTrust } from './trust.ts'

/** A document that an apply changes; `pointer` is where it stands in the body (empty for a single one). */
export type ChangedDocument = { readonly document: Document; readonly pointer: string }

/**
 * Whether the platform may become this one. `platform` has the changed documents in it already. What was not changed was
 * judged before, so only what the changes can have broken is looked at; everything wrong is reported at once, at the
 * document that was changed.
 */
export function checkPlatform(platform: Platform, changed: readonly ChangedDocument[]): Result<void> {
  const changedPolicies = new Set(changed.flatMap(({ document }) => (document.kind === 'Policy' ? [document.metadata.name] : [])))
  const errors = changed.flatMap(({ document, pointer }) => {
    const own = [...checkReferences(platform, document), ...checkDocument(platform, document, changedPolicies)]
    return own.map((error) => ({ ...error, pointer: pointer + error.pointer }))
  })
  errors.push(...checkNamespaces(platform, changed), ...checkPaths(platform, changed), ...checkAccess(platform, changed))
  // On a platform that is wrong already a test would fail for a reason that was just given.
  if (errors.length === 0) errors.push(...checkTestsTouched(platform, changed, changedPolicies))
  return errors.length === 0 ? ok(undefined) : refuse({ code: 'invalid-document', errors: errors.slice(0, maxErrors) })
}

const maxErrors = 100

function checkReferences(platform: Platform, document: Document): readonly FieldError[] {
  return referencesOf(document).flatMap((reference) => {
    if (exists(platform, reference)) return []
    const near = closest(reference.name, namesOf(platform, reference))
    return [
      {
        pointer: reference.pointer,
        detail: `names the ${reference.kind.toLowerCase()} ${reference.name}, which there is not${near === null ? '' : `; did you mean ${near}?`}`,
      },
    ]
  })
}

function exists(platform: Platform, { kind, name }: Reference): boolean {
  return kind === 'Blueprint' ? resolveBlueprint(platform, name) !== null : namesOf(platform, { kind }).includes(name)
}

function namesOf(platform: Platform, { kind }: Pick<Reference, 'kind'>): readonly string[] {
  const maps = { Team: platform.teams, Environment: platform.environments, Blueprint: platform.blueprints } as const
  return [...maps[kind].keys()]
}

function checkDocument(platform: Platform, document: Document, changedPolicies: ReadonlySet<string>): readonly FieldError[] {
  switch (document.kind) {
    case 'Environment':
      return checkPlace(document, platform.allowFileRepositories)
    case 'Blueprint': {
      const blueprint = resolveBlueprint(platform, `${document.metadata.name}@${document.spec.version}`)
      if (blueprint === null) throw new Error('a changed blueprint is not on the platform')
      return [...checkBlueprint(platform, blueprint), ...checkPoliciesOver(platform, blueprint, changedPolicies)]
    }
    case 'Policy': {
      const policy = platform.policies.find((p) => p.name === document.metadata.name)
      if (policy === undefined) throw new Error('a changed policy is not on the platform')
      return checkPolicy(platform, policy)
    }
    case 'Trust':
      return checkTrust(document)
    case 'Team':
    case 'Budget':
    case 'Service':
      return []
  }
}

/** Where the changed environments or teams stand in the body, by name. */
function pointersOf(changed: readonly ChangedDocument[], kind: 'Environment' | 'Team'): ReadonlyMap<string, string> {
  return new Map(changed.flatMap(({ document, pointer }) => (document.kind === kind ? [[document.metadata.name, pointer] as const] : [])))
}

/** Two environments that share a repository and a branch must never write into each other's folders. */
function checkPaths(platform: Platform, changed: readonly ChangedDocument[]): readonly FieldError[] {
  const pointers = pointersOf(changed, 'Environment')
  const judged = new Set<string>()
  return [...pointers].flatMap(([name, pointer]) => {
    judged.add(name)
    const environment = platform.environments.get(name)
    if (environment === undefined || !isWellPlaced(environment)) return []
    const other = [...platform.environments.values()].find(
      (e) => !judged.has(e.name) && isWellPlaced(e) && overlap(e.place, environment.place),
    )
    return other === undefined
      ? []
      : [
          {
            pointer: `${pointer}/spec/gitops/path`,
            detail: `overlaps with ${other.place.path} of environment ${other.name} on the same repository and branch`,
          },
        ]
  })
}

/** What is pushed to one branch goes in one way: there is one mirror and one writer for it. */
function checkAccess(platform: Platform, changed: readonly ChangedDocument[]): readonly FieldError[] {
  return [...pointersOf(changed, 'Environment')].flatMap(([name, pointer]) => {
    const environment = platform.environments.get(name)
    if (environment === undefined) return []
    const { repository, branch } = environment.place
    const other = [...platform.environments.values()].find(
      ({ place, document }) =>
        place.repository === repository && place.branch === branch && !sameAccess(accessOf(document), accessOf(environment.document)),
    )
    return other === undefined
      ? []
      : [
          {
            pointer: `${pointer}/spec/gitops`,
            detail: `has another auth, proxy or signingKey than environment ${other.name}, which is on the same repository and branch; change them together`,
          },
        ]
  })
}

/** Whether its patterns are ones that can be compared; if not, that was reported. */
function isWellPlaced(environment: Environment): boolean {
  return checkPlace(environment.document, true).length === 0
}

/** Namespaces fit Kubernetes, and no two (team, environment) share one. One error for a changed document. */
function checkNamespaces(platform: Platform, changed: readonly ChangedDocument[]): readonly FieldError[] {
  const [environments, teams] = [pointersOf(changed, 'Environment'), pointersOf(changed, 'Team')]
  if (environments.size + teams.size === 0) return []
  const errors = new Map<string, FieldError>()
  const report = (environment: Environment, team: Team, detail: string): boolean => {
    const [byEnvironment, byTeam] = [environments.get(environment.name), teams.get(team.name)]
    const pointer =
      byEnvironment === undefined ? (byTeam === undefined ? null : `${byTeam}/metadata/name`) : `${byEnvironment}/spec/namespace`
    if (pointer !== null && !errors.has(pointer)) errors.set(pointer, { pointer, detail })
    return pointer !== null
  }
  const taken = new Map<string, readonly [Environment, Team]>()
  for (const environment of platform.environments.values()) {
    if (!isWellPlaced(environment)) continue
    for (const team of platform.teams.values()) {
      const namespace = environment.namespaceFor(team.name)
      if (namespace.length > maxNamespace)
        report(environment, team, `makes the namespace ${namespace}, which is longer than ${maxNamespace} characters`)
      const other = taken.get(namespace)
      if (other === undefined) {
        taken.set(namespace, [environment, team])
        continue
      }
      const [otherEnvironment, otherTeam] = other
      const detail = `gives team ${team.name} in ${environment.name} and team ${otherTeam.name} in ${otherEnvironment.name} the same namespace, ${namespace}`
      if (!report(environment, team, detail)) report(otherEnvironment, otherTeam, detail)
    }
  }
  return [...errors.values()]
}

/** Tests of policies that nobody changed, but whose environment, team or blueprint somebody did. */
function checkTestsTouched(
  platform: Platform,
  changed: readonly ChangedDocument[],
  changedPolicies: ReadonlySet<string>,
): readonly FieldError[] {
  return platform.policies.flatMap((policy) => {
    if (changedPolicies.has(policy.name)) return []
    const names = new Set(referencesOf(policy.document).map(({ kind, name }) => `${kind}/${name.split('@')[0]}`))
    const cause = changed.find(({ document }) => names.has(`${document.kind}/${document.metadata.name}`))
    return cause === undefined
      ? []
      : checkTests(platform, policy).map(({ detail }) => ({ pointer: cause.pointer, detail: `policy ${policy.name}: ${detail}` }))
  })
}
