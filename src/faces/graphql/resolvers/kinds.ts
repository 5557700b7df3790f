import type { JsonObject } from '../../../core/json.ts'
import {
  listDocumentsOf,
  listEventsOfTeams,
  listLedgers,
  listRequestsOfTeams,
  listResourcesOfTeams,
} from '../../../operations/list-children.ts'
import { eventQuery, plainQuery, requestQuery, resourceQuery } from '../../../operations/list-queries.ts'
import { connectionOf, documentsOf, edgesOf } from '../connection.ts'
import type { QueryResolvers, Resolvers } from '../generated/types.ts'
import { readList } from '../judge.ts'
import type { Named } from '../sources.ts'
import { documentFields, inSpec, listOf, oneOf, shownOf, sourceOf, textInSpec, totalOf } from './documents.ts'

export const documentQueries: Omit<
  QueryResolvers,
  | 'node'
  | 'me'
  | 'permissions'
  | 'branches'
  | 'verification'
  | 'request'
  | 'requests'
  | 'resource'
  | 'resources'
  | 'events'
  | 'serviceAccount'
  | 'serviceAccounts'
  | 'schema'
  | 'schemas'
> = {
  team: oneOf('Team'),
  teams: listOf('Team'),
  environment: oneOf('Environment'),
  environments: listOf('Environment'),
  blueprint: oneOf('Blueprint'),
  blueprints: listOf('Blueprint'),
  policy: oneOf('Policy'),
  policies: listOf('Policy'),
  budget: oneOf('Budget'),
  budgets: listOf('Budget'),
  service: oneOf('Service'),
  services: listOf('Service'),
  trust: oneOf('Trust'),
  trusts: listOf('Trust'),
}

const team: Resolvers['Team'] = {
  ...documentFields('Team'),
  async members(source, _, graph) {
    const members = await inSpec('Team', 'members')(source, {}, graph)
    if (Array.isArray(members)) return members as readonly JsonObject[] // As its schema has them.
    // A team without members is another thing than one whose members are not for the caller to see.
    return (await graph.context.platform()).teams.get(source.name)?.document.spec.members === undefined ? [] : null
  },
  async contact(source, _, graph) {
    return (await inSpec('Team', 'contact')(source, {}, graph)) as JsonObject | null // As its schema has it.
  },
  costCenter: textInSpec('Team', 'costCenter'),
  async resources({ name }, args, { context, caller, load }) {
    const { filter, page } = readList(resourceQuery, args)
    const read = (teams: readonly string[]) => listResourcesOfTeams(context, caller, teams, filter, page)
    return connectionOf(await load.page('Team.resources', name, args, read), page)
  },
  async requests({ name }, args, { context, caller, load }) {
    const { filter, page } = readList(requestQuery, args)
    const read = (teams: readonly string[]) => listRequestsOfTeams(context, caller, teams, filter, page)
    return connectionOf(await load.page('Team.requests', name, args, read), page)
  },
  async events({ name }, args, { context, caller, load }) {
    const { filter, page } = readList(eventQuery, args)
    const read = (teams: readonly string[]) => listEventsOfTeams(context, caller, teams, filter, page)
    return connectionOf(await load.page('Team.events', name, args, read), page)
  },
  async budgets({ name }, args, { context, caller, load }) {
    const { page } = readList(plainQuery, args)
    const read = (teams: readonly string[]) => listDocumentsOf(context, caller, 'Budget', teams, page)
    return documentsOf(await load.page('Team.budgets', name, args, read), page, (shown) => sourceOf('Budget', shown), name)
  },
  async services({ name }, args, { context, caller, load }) {
    const { page } = readList(plainQuery, args)
    const read = (teams: readonly string[]) => listDocumentsOf(context, caller, 'Service', teams, page)
    return documentsOf(await load.page('Team.services', name, args, read), page, (shown) => sourceOf('Service', shown), name)
  },
}

const budget: Resolvers['Budget'] = {
  ...documentFields('Budget'),
  status: async (source, _, graph) => (await shownOf('Budget', source, graph))?.status ?? null,
  async limit(source, _, graph) {
    const limit = (await shownOf('Budget', source, graph))?.status?.['limit']
    return typeof limit === 'string' ? limit : null
  },
  async measure(source, _, graph) {
    const shown = await shownOf('Budget', source, graph)
    return shown === null ? null : shown.spec['measure'] === 'count' ? 'count' : 'cost'
  },
  team: (source, _, graph) => inScope(source, 'team', graph),
  environment: (source, _, graph) => inScope(source, 'environment', graph),
  async ledger({ name }, args, { context, caller, load }) {
    const { page } = readList(plainQuery, args)
    const read = (names: readonly string[]) => listLedgers(context, caller, names, page)
    return connectionOf(await load.page('Budget.ledger', name, args, read), page)
  },
}

async function inScope(source: Named, member: 'team' | 'environment', graph: Parameters<typeof shownOf>[2]): Promise<Named | null> {
  const scope = (await inSpec('Budget', 'scope')(source, {}, graph)) as JsonObject | null // As its schema has it.
  const name = scope?.[member]
  return typeof name === 'string' ? { name } : null
}

type Documents =
  | 'Team'
  | 'Environment'
  | 'Blueprint'
  | 'Policy'
  | 'Budget'
  | 'Service'
  | 'Trust'
  | 'LedgerEntry'
  | `${'Team' | 'Environment' | 'Blueprint' | 'Policy' | 'Budget' | 'Service' | 'Trust' | 'LedgerEntry' | 'DocumentVersion'}Connection`

export const documentTypes: Pick<Resolvers, Documents> = {
  Team: team,
  Environment: {
    ...documentFields('Environment'),
    namespace: textInSpec('Environment', 'namespace'),
    async order(source, _, graph) {
      const shown = await shownOf('Environment', source, graph)
      const order = shown?.spec['order'] ?? 0
      return shown === null || typeof order !== 'number' ? null : order
    },
  },
  Blueprint: {
    ...documentFields('Blueprint'),
    // In a version that is not in force any more it is known all the same.
    async version(source, _, graph) {
      const version = source.version ?? (await shownOf('Blueprint', source, graph))?.spec['version']
      if (typeof version !== 'string') throw new Error(`blueprint ${source.name} without a version`)
      return version
    },
    lifecycle: async (source, _, graph) => lifecycleOf(await shownOf('Blueprint', source, graph)),
    parameters: inSpec('Blueprint', 'parameters'),
  },
  Policy: { ...documentFields('Policy'), rules: inSpec('Policy', 'rules') },
  Budget: budget,
  Service: {
    ...documentFields('Service'),
    async owner(source, _, graph) {
      const name = await textInSpec('Service', 'owner')(source, {}, graph)
      return name === null ? null : { name }
    },
    lifecycle: async (source, _, graph) => lifecycleOf(await shownOf('Service', source, graph)),
    type: textInSpec('Service', 'type'),
    system: textInSpec('Service', 'system'),
    source: textInSpec('Service', 'source'),
    async dependsOn(source, _, graph) {
      const names = await inSpec('Service', 'dependsOn')(source, {}, graph)
      return Array.isArray(names) ? (names as readonly string[]) : null // As its schema has them.
    },
  },
  Trust: {
    ...documentFields('Trust'),
    issuer: textInSpec('Trust', 'issuer'),
    audience: textInSpec('Trust', 'audience'),
    when: textInSpec('Trust', 'when'),
    serviceAccount: textInSpec('Trust', 'serviceAccount'),
  },
  LedgerEntry: { request: ({ request }, _, { load }) => (request === null ? null : load.request(request)) },
  TeamConnection: { edges: edgesOf, totalCount: totalOf('Team') },
  EnvironmentConnection: { edges: edgesOf, totalCount: totalOf('Environment') },
  BlueprintConnection: { edges: edgesOf, totalCount: totalOf('Blueprint') },
  PolicyConnection: { edges: edgesOf, totalCount: totalOf('Policy') },
  BudgetConnection: { edges: edgesOf, totalCount: totalOf('Budget') },
  ServiceConnection: { edges: edgesOf },
  TrustConnection: { edges: edgesOf },
  LedgerEntryConnection: { edges: edgesOf },
  DocumentVersionConnection: { edges: edgesOf },
}

function lifecycleOf(shown: { readonly spec: JsonObject } | null): 'experimental' | 'production' | 'deprecated' | null {
  if (shown === null) return null
  const lifecycle = shown.spec['lifecycle']
  return lifecycle === 'experimental' || lifecycle === 'deprecated' ? lifecycle : 'production'
}
