import { makeBlueprint, type Blueprint } from './blueprint.ts'
import type { BudgetDocument } from './document/budget.ts'
import type { Document } from './document/document.ts'
import type { EnvironmentDocument } from './document/environment.ts'
import type { Approvers } from './document/metadata.ts'
import type { TeamDocument } from './document/team.ts'
import type { Values } from './expression.ts'
import type { JsonObject } from './json.ts'
import { makeKindSchemas, type KindEntry, type KindSchemas } from './kind-schema.ts'
import { forTeam, placeOf, type Place } from './place.ts'
import type { TeamRole } from './plan.ts'
import { makePolicy, matches, type Policy, type Subject } from './policy.ts'
import { membership, rolesIn, type Identity, type Membership } from './roles.ts'
import { compareSemver } from './semver.ts'

/**
 * Everything that the platform's documents say at one platform revision, ready to plan with. A rebuild takes over whatever
 * did not change from the platform before it, compiled parts included; what is new is compiled at its first use.
 */

export type StoredDocument = { readonly document: Document; readonly revision: number }

export type Team = Membership & {
  readonly name: string
  readonly revision: number
  readonly document: TeamDocument
  /** `team` in CEL. */
  readonly card: NonNullable<Values['team']>
}

export type Environment = {
  readonly name: string
  readonly revision: number
  readonly document: EnvironmentDocument
  readonly order: number
  /** `repository` is `embedded` when the document names none. */
  readonly place: Place
  readonly values: JsonObject
  /** Who approves a request that deletes something here; null: nobody has to. */
  readonly deletion: Approvers | null
  /** What a kind without a known schema gets. */
  readonly validation: 'warn' | 'strict'
  /** The folder for a team's resources, without a slash at either end. */
  pathFor(team: string): string
  namespaceFor(team: string): string
  /** `environment` in CEL: the same object each time, so that what was made of it is found again. */
  cardFor(team: string): NonNullable<Values['environment']>
}

export type Budget = { readonly name: string; readonly revision: number; readonly document: BudgetDocument }

export type Platform = {
  readonly revision: bigint
  readonly allowFileRepositories: boolean
  readonly teams: ReadonlyMap<string, Team>
  readonly environments: ReadonlyMap<string, Environment>
  /** Every applied version, the highest first. */
  readonly blueprints: ReadonlyMap<string, readonly Blueprint[]>
  /** In the order of their names. */
  readonly policies: readonly Policy[]
  readonly budgets: ReadonlyMap<string, Budget>
  /** What clusters know of kinds. */
  readonly schemas: KindSchemas
  /** What was made of each document, for the next build. */
  readonly parts: ReadonlyMap<string, Part>
  /** Answers of `policiesFor` by what was asked, */
  readonly matched: Map<string, readonly Policy[]>
  /** and each list of policies once, by their names: what is made of a list is made once for all teams that it covers. */
  readonly lists: Map<string, readonly Policy[]>
}

type Part = { readonly stored: StoredDocument; readonly made: Team | Environment | Blueprint | Policy | Budget }

/** `documents`: the current Teams, Environments, Policies and Budgets, and every applied version of every Blueprint; Services and Trusts are passed over. */
export function buildPlatform(
  input: {
    readonly revision: bigint
    readonly allowFileRepositories: boolean
    readonly documents: readonly StoredDocument[]
    readonly kinds?: readonly KindEntry[]
  },
  previous?: Platform,
): Platform {
  const { revision, allowFileRepositories } = input
  const teams = new Map<string, Team>()
  const environments = new Map<string, Environment>()
  const versions = new Map<string, Blueprint[]>()
  const policies: Policy[] = []
  const budgets = new Map<string, Budget>()
  const parts = new Map<string, Part>()

  /** What was made of the same document before, else what is made of it now. */
  const take = <T extends Part['made']>(key: string, stored: StoredDocument, make: () => T): T => {
    const before = previous?.parts.get(key)
    // The key has the kind in it, so what was made under it is a T.
    const made = before !== undefined && same(before.stored, stored) ? (before.made as T) : make()
    parts.set(key, { stored, made })
    return made
  }

  for (const stored of input.documents) {
    const { document } = stored
    const { name } = document.metadata
    const key = `${document.kind}/${name}`
    switch (document.kind) {
      case 'Team':
        teams.set(
          name,
          take(key, stored, () => makeTeam(document, stored.revision)),
        )
        break
      case 'Environment':
        environments.set(
          name,
          take(key, stored, () => makeEnvironment(document, stored.revision)),
        )
        break
      case 'Blueprint': {
        const blueprint = take(`${key}@${document.spec.version}`, stored, () => makeBlueprint(document, stored.revision))
        versions.set(name, [...(versions.get(name) ?? []).filter((b) => b.version !== blueprint.version), blueprint])
        break
      }
      case 'Policy':
        policies.push(take(key, stored, () => makePolicy(document, stored.revision)))
        break
      case 'Budget':
        budgets.set(
          name,
          take(key, stored, () => ({ name, revision: stored.revision, document })),
        )
        break
      case 'Service':
      case 'Trust':
        break
    }
  }
  for (const list of versions.values()) list.sort((a, b) => compareSemver(b.semver, a.semver))
  policies.sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    revision,
    allowFileRepositories,
    teams,
    environments,
    blueprints: versions,
    policies,
    budgets,
    schemas: makeKindSchemas(input.kinds ?? [], previous?.schemas.compiled),
    parts,
    matched: new Map(),
    lists: new Map(),
  }
}

/** The revision alone does not do: a dry run numbers documents that were never stored. */
function same(a: StoredDocument, b: StoredDocument): boolean {
  return a.revision === b.revision && (a.document === b.document || JSON.stringify(a.document) === JSON.stringify(b.document))
}

function makeTeam(document: TeamDocument, revision: number): Team {
  const { name, title = name, tags = [] } = document.metadata
  return { name, revision, document, card: { name, title, costCenter: document.spec.costCenter ?? '', tags }, ...membership(document) }
}

const maxCards = 10_000

function makeEnvironment(document: EnvironmentDocument, revision: number): Environment {
  const place = placeOf(document)
  const { order = 0, values = {}, deletion, validation = 'warn' } = document.spec
  const { name } = document.metadata
  const cards = new Map<string, NonNullable<Values['environment']>>()
  return {
    name,
    revision,
    document,
    order,
    place,
    values,
    deletion: deletion === undefined ? null : (deletion.approvers ?? {}),
    validation,
    pathFor: (team) => forTeam(place.path, team),
    namespaceFor: (team) => forTeam(place.namespace, team),
    cardFor: (team) => {
      let card = cards.get(team)
      if (card === undefined) {
        if (cards.size >= maxCards) cards.clear()
        cards.set(team, (card = { name, namespace: forTeam(place.namespace, team), values }))
      }
      return card
    },
  }
}

/** `name`: the highest version that is not deprecated; `name@1.2.0`: that version, deprecated or not. Null when there is none. */
export function resolveBlueprint(platform: Platform, reference: string): Blueprint | null {
  const at = reference.indexOf('@')
  const versions = platform.blueprints.get(at === -1 ? reference : reference.slice(0, at)) ?? []
  const wanted =
    at === -1 ? versions.find((b) => b.lifecycle !== 'deprecated') : versions.find((b) => b.version === reference.slice(at + 1))
  return wanted ?? null
}

/** The teams in which somebody has a role, with all of their roles there, the highest first; in the order of names. */
export function teamsOf(platform: Platform, who: Identity): readonly { readonly name: string; readonly roles: readonly TeamRole[] }[] {
  const found: { name: string; roles: readonly TeamRole[] }[] = []
  for (const team of platform.teams.values()) {
    const roles = rolesIn(team, who)
    if (roles.length > 0) found.push({ name: team.name, roles })
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

const maxMatched = 10_000

/** The policies whose `match` covers a change, in the order of their names. */
export function policiesFor(platform: Platform, subject: Subject): readonly Policy[] {
  const key = `${subject.team}/${subject.environment}/${subject.blueprint}/${subject.action}`
  let policies = platform.matched.get(key)
  if (policies === undefined) {
    policies = theList(
      platform.lists,
      platform.policies.filter((policy) => matches(policy.document.spec.match, subject)),
    )
    if (platform.matched.size >= maxMatched) platform.matched.clear()
    platform.matched.set(key, policies)
  }
  return policies
}

function theList(lists: Platform['lists'], policies: readonly Policy[]): readonly Policy[] {
  const names = policies.map((policy) => policy.name).join('/')
  const known = lists.get(names)
  if (known !== undefined) return known
  if (lists.size >= maxMatched) lists.clear()
  lists.set(names, policies)
  return policies
}
