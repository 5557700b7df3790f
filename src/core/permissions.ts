import type { TeamRole } from './plan.ts'

/**
 * Who may do what: one row for each operation, and the only place where it is said. Operations ask by their row (see
 * `operations/authorize.ts`), `GET /v1/me/permissions` and `purser can-i` answer from it, docs/access.md is rendered from it,
 * and a test holds it against every route, every field of GraphQL and the matrix of who was answered what.
 */
export const scopes = ['read', 'requests:write', 'approvals:write', 'platform:write', 'audit:read', 'impersonate'] as const
export type Scope = (typeof scopes)[number]

export const platformRoles = ['administrator', 'auditor'] as const
export type PlatformRole = (typeof platformRoles)[number]

export type Permission = {
  /** What it does, as it stands after "may": `submit a request`. */
  readonly does: string
  /** The word for `purser can-i`. */
  readonly verb: string
  /** What the credentials must have; null: nothing. */
  readonly scope: Scope | null
  readonly who: Who
  /** It has no route of its own: a case of that operation in which others may. */
  readonly caseOf?: string
  /** What the columns of a table do not hold. */
  readonly note?: string
}

export type Who =
  | { readonly kind: 'anyone' }
  /** Members from a role on, in the team that it is about, and who has one of the platform roles. */
  | { readonly kind: 'member'; readonly role: TeamRole; readonly platform: readonly PlatformRole[] }
  | { readonly kind: 'platform'; readonly platform: readonly [PlatformRole, ...PlatformRole[]] }
  /** Whoever a requirement of the request names; the role is the usual one. */
  | { readonly kind: 'named'; readonly role: TeamRole }

const anyone = { kind: 'anyone' } as const
const administrators = { kind: 'platform', platform: ['administrator'] } as const
/** Who reads whatever there is, of every team and of none. */
export const readers = ['administrator', 'auditor'] as const
const reading = { kind: 'member', role: 'viewer', platform: readers } as const
const asking = { kind: 'member', role: 'developer', platform: [] } as const
const owning = { kind: 'member', role: 'owner', platform: ['administrator'] } as const
const ownRequest = { kind: 'member', role: 'developer', platform: ['administrator'] } as const

const namedToo = 'Whoever may approve the request reads it too, and nothing else of the team.'
const noPart = 'A requirement can name another role. Nobody with a part in the request may.'
const widerBudgets = 'Of a budget wider than one team: administrator and auditor.'
const hiddenTrusts = 'To everybody else there are none.'

export const permissions = {
  readMe: { does: 'see who they are', verb: 'whoami', scope: null, who: anyone },
  readPermissions: { does: 'see what they may', verb: 'read-permissions', scope: null, who: anyone },

  planRequest: { does: 'plan a request', verb: 'plan', scope: 'requests:write', who: asking },
  submitRequest: { does: 'submit a request', verb: 'submit', scope: 'requests:write', who: asking },
  cancelRequest: { does: 'cancel a request of their own', verb: 'cancel', scope: 'requests:write', who: ownRequest },
  cancelOthersRequest: {
    does: "cancel somebody else's request",
    verb: 'cancel-others',
    scope: 'requests:write',
    who: owning,
    caseOf: 'cancelRequest',
  },
  retryRequest: { does: 'retry a request of their own', verb: 'retry', scope: 'requests:write', who: ownRequest },
  retryOthersRequest: {
    does: "retry somebody else's request",
    verb: 'retry-others',
    scope: 'requests:write',
    who: owning,
    caseOf: 'retryRequest',
  },
  approveRequest: {
    does: 'approve a request',
    verb: 'approve',
    scope: 'approvals:write',
    who: { kind: 'named', role: 'approver' },
    note: noPart,
  },
  rejectRequest: {
    does: 'reject a request',
    verb: 'reject',
    scope: 'approvals:write',
    who: { kind: 'named', role: 'approver' },
    note: noPart,
  },

  listRequests: { does: 'list requests', verb: 'list-requests', scope: 'read', who: reading, note: namedToo },
  readRequest: { does: 'read a request', verb: 'read-request', scope: 'read', who: reading, note: namedToo },
  readRequestFiles: { does: 'read the files of a request', verb: 'read-files', scope: 'read', who: reading, note: namedToo },
  readRequestDiff: { does: 'read the diff of a request', verb: 'read-diff', scope: 'read', who: reading, note: namedToo },
  listRequestEvents: { does: 'read the log of a request', verb: 'read-request-events', scope: 'read', who: reading, note: namedToo },
  listResources: { does: 'list resources', verb: 'list-resources', scope: 'read', who: reading },
  readResource: { does: 'read a resource', verb: 'read-resource', scope: 'read', who: reading },
  listResourceHistory: { does: 'read the history of a resource', verb: 'read-history', scope: 'read', who: reading },
  listBudgets: { does: 'list budgets', verb: 'list-budgets', scope: 'read', who: reading, note: widerBudgets },
  readBudget: { does: 'read a budget', verb: 'read-budget', scope: 'read', who: reading, note: widerBudgets },
  listBudgetVersions: {
    does: 'read the versions of a budget',
    verb: 'read-budget-versions',
    scope: 'read',
    who: reading,
    note: widerBudgets,
  },
  listBudgetLedger: { does: 'read the ledger of a budget', verb: 'read-ledger', scope: 'read', who: reading, note: widerBudgets },
  listEvents: {
    does: 'read the log',
    verb: 'read-events',
    scope: 'read',
    who: reading,
    note: "Of the platform's own events: administrator and auditor.",
  },
  followTeamEvents: { does: 'follow the log of a team', verb: 'follow-events', scope: 'read', who: reading },

  listTeams: { does: 'list teams', verb: 'list-teams', scope: 'read', who: anyone },
  readTeam: {
    does: "read a team's name, title and contact",
    verb: 'read-team',
    scope: 'read',
    who: anyone,
    note: 'Members and cost centre: members, administrator and auditor.',
  },
  listTeamVersions: {
    does: 'read the versions of a team',
    verb: 'read-team-versions',
    scope: 'read',
    who: anyone,
    note: 'As of the team itself.',
  },
  listEnvironments: { does: 'list environments', verb: 'list-environments', scope: 'read', who: anyone },
  readEnvironment: { does: 'read an environment', verb: 'read-environment', scope: 'read', who: anyone },
  listEnvironmentVersions: { does: 'read the versions of an environment', verb: 'read-environment-versions', scope: 'read', who: anyone },
  listBlueprints: { does: 'list blueprints', verb: 'list-blueprints', scope: 'read', who: anyone },
  readBlueprint: { does: 'read a blueprint', verb: 'read-blueprint', scope: 'read', who: anyone },
  listBlueprintVersions: { does: 'read the versions of a blueprint', verb: 'read-blueprint-versions', scope: 'read', who: anyone },
  listPolicies: { does: 'list policies', verb: 'list-policies', scope: 'read', who: anyone },
  readPolicy: { does: 'read a policy', verb: 'read-policy', scope: 'read', who: anyone },
  listPolicyVersions: { does: 'read the versions of a policy', verb: 'read-policy-versions', scope: 'read', who: anyone },
  listServices: { does: 'list services', verb: 'list-services', scope: 'read', who: anyone },
  readService: { does: 'read a service', verb: 'read-service', scope: 'read', who: anyone },
  listServiceVersions: { does: 'read the versions of a service', verb: 'read-service-versions', scope: 'read', who: anyone },
  listTrusts: { does: 'list trusts', verb: 'list-trusts', scope: 'read', who: { kind: 'platform', platform: readers }, note: hiddenTrusts },
  readTrust: { does: 'read a trust', verb: 'read-trust', scope: 'read', who: { kind: 'platform', platform: readers }, note: hiddenTrusts },
  listTrustVersions: {
    does: 'read the versions of a trust',
    verb: 'read-trust-versions',
    scope: 'read',
    who: { kind: 'platform', platform: readers },
    note: hiddenTrusts,
  },
  listSchemas: { does: 'list schemas', verb: 'list-schemas', scope: 'read', who: anyone },
  readSchema: { does: 'read a schema', verb: 'read-schema', scope: 'read', who: anyone },
  listBranches: { does: 'list the GitOps branches', verb: 'list-branches', scope: 'read', who: anyone },

  putService: {
    does: 'put a service of a team',
    verb: 'put-service',
    scope: 'platform:write',
    who: owning,
    note: 'A service that changes hands: an owner of both teams.',
  },
  deleteService: { does: 'delete a service of a team', verb: 'delete-service', scope: 'platform:write', who: owning },
  putTeam: { does: "change a team's members and contact", verb: 'put-team', scope: 'platform:write', who: owning },
  putTeamCard: {
    does: 'put a new team, or all the rest of one',
    verb: 'put-team-card',
    scope: 'platform:write',
    who: administrators,
    caseOf: 'putTeam',
    note: 'Policies and prices judge by it.',
  },
  deleteTeam: { does: 'delete a team', verb: 'delete-team', scope: 'platform:write', who: administrators },
  putEnvironment: { does: 'put an environment', verb: 'put-environment', scope: 'platform:write', who: administrators },
  deleteEnvironment: { does: 'delete an environment', verb: 'delete-environment', scope: 'platform:write', who: administrators },
  putBlueprint: { does: 'put a blueprint', verb: 'put-blueprint', scope: 'platform:write', who: administrators },
  deleteBlueprint: { does: 'delete a blueprint', verb: 'delete-blueprint', scope: 'platform:write', who: administrators },
  putPolicy: { does: 'put a policy', verb: 'put-policy', scope: 'platform:write', who: administrators },
  deletePolicy: { does: 'delete a policy', verb: 'delete-policy', scope: 'platform:write', who: administrators },
  putBudget: { does: 'put a budget', verb: 'put-budget', scope: 'platform:write', who: administrators },
  deleteBudget: { does: 'delete a budget', verb: 'delete-budget', scope: 'platform:write', who: administrators },
  putTrust: { does: 'put a trust', verb: 'put-trust', scope: 'platform:write', who: administrators },
  deleteTrust: { does: 'delete a trust', verb: 'delete-trust', scope: 'platform:write', who: administrators },
  applyDocuments: {
    does: 'apply documents together',
    verb: 'apply',
    scope: 'platform:write',
    who: anyone,
    note: 'Each document as if it were put by itself; one that is refused refuses all.',
  },

  listServiceAccounts: { does: 'list service accounts', verb: 'list-service-accounts', scope: 'read', who: reading },
  readServiceAccount: { does: 'read a service account', verb: 'read-service-account', scope: 'read', who: reading },
  createServiceAccount: { does: 'create a service account', verb: 'create-service-account', scope: 'platform:write', who: owning },
  retireServiceAccount: { does: 'retire a service account', verb: 'retire-service-account', scope: 'platform:write', who: owning },
  listTokens: {
    does: "list a service account's tokens",
    verb: 'list-tokens',
    scope: 'read',
    who: { kind: 'member', role: 'owner', platform: readers },
  },
  createToken: {
    does: 'create a token',
    verb: 'create-token',
    scope: 'platform:write',
    who: owning,
  },
  createBotToken: {
    does: 'create a token that acts on behalf of people',
    verb: 'create-bot-token',
    scope: 'platform:write',
    who: administrators,
    caseOf: 'createToken',
  },
  revokeToken: { does: 'revoke a token', verb: 'revoke-token', scope: 'platform:write', who: owning },

  addSchemas: { does: 'add schemas', verb: 'add-schemas', scope: 'platform:write', who: administrators },
  deleteSchema: { does: 'delete a schema', verb: 'delete-schema', scope: 'platform:write', who: administrators },
  importBlueprints: { does: 'import blueprints', verb: 'import-blueprints', scope: 'platform:write', who: administrators },
  acceptBranch: { does: 'accept what is on a branch', verb: 'accept-branch', scope: 'platform:write', who: administrators },
  verifyGitops: {
    does: 'verify the GitOps branches',
    verb: 'verify',
    scope: 'audit:read',
    who: { kind: 'platform', platform: readers },
  },
} as const satisfies Readonly<Record<string, Permission>>

export type Operation = keyof typeof permissions

/** The rows with the names of their operations, in the order in which they are shown. */
export const operations = Object.keys(permissions) as readonly Operation[] // Its own keys.

/** A row as it is read, whichever it is. */
export function permissionOf(operation: Operation): Permission {
  return permissions[operation]
}

/** The operation that a word of `purser can-i` stands for; its own name does too. Null: none. */
export function operationOf(word: string): Operation | null {
  return operations.find((operation) => operation === word || permissions[operation].verb === word) ?? null
}
