import type { Id } from './ids.ts'
import type { JsonObject } from './json.ts'
import type { Violation } from './problem.ts'

export type Action = 'create' | 'update' | 'delete'
export type TeamRole = 'viewer' | 'developer' | 'approver' | 'owner'

/** One change as asked for. `blueprint` is `name` or `name@version`; `parameters` of an update is an RFC 7396 merge patch. */
export type ChangeInput =
  | {
      readonly action: 'create'
      readonly name: string
      readonly blueprint: string
      readonly parameters?: JsonObject
      readonly ttl?: string
    }
  | {
      readonly action: 'update'
      readonly name: string
      readonly blueprint?: string
      readonly parameters?: JsonObject
      readonly overwrite?: boolean
    }
  | { readonly action: 'delete'; readonly name: string; readonly overwrite?: boolean }

/** The body of POST /v1/plans and POST /v1/requests. */
export type RequestInput = {
  readonly team: string
  readonly environment: string
  readonly reason?: string
  readonly changes: readonly ChangeInput[]
  readonly planDigest?: string
}

/** Who asks, as policy sees it (`requester` in CEL). */
export type Requester = {
  readonly subject: string
  readonly kind: 'person' | 'service-account'
  /** Roles of the requester in the asking team. */
  readonly roles: readonly TeamRole[]
  readonly via: string | null
  readonly groups: readonly string[]
}

/** What is committed of a resource; the base that an update or delete is planned on. */
export type LiveResource = {
  readonly id: Id<'resource'>
  readonly name: string
  readonly blueprint: { readonly name: string; readonly version: string }
  /** Effective parameters: defaults and `set` rules included. */
  readonly parameters: JsonObject
  readonly costMinor: bigint
  readonly ttl: string | null
  /** Grows by one with every commit; 1 after the create. */
  readonly revision: number
  readonly files: readonly { readonly path: string; readonly digest: string }[]
}

/** What planning needs to know beyond the platform's documents. */
export type PlanFacts = {
  readonly now: Date
  readonly requester: Requester
  /** The resources that updates and deletes name, by name; one that does not exist is absent. */
  readonly resources: ReadonlyMap<string, LiveResource>
  /** The objects of a resource as they are committed, for rules over what was there before. Null: they have to be read first. */
  readonly committed?: (resource: LiveResource) => readonly JsonObject[] | null
}

/** One rendered object's identity; `namespace` is empty for cluster-scoped ones, `group` for the core group. */
export type ObjectRef = { readonly group: string; readonly kind: string; readonly namespace: string; readonly name: string }

export type PlannedChange = {
  readonly action: Action
  readonly name: string
  /** Null on create: the id is made when the request is admitted. */
  readonly resourceId: Id<'resource'> | null
  readonly baseRevision: number | null
  readonly blueprint: { readonly name: string; readonly version: string }
  /** Effective parameters; null on delete. */
  readonly parameters: JsonObject | null
  readonly ttl: string | null
  /** Minor units a month. */
  readonly cost: { readonly before: bigint; readonly after: bigint }
  /** What the resource's files will hold once committed; empty on delete. */
  readonly objects: readonly ObjectRef[]
  readonly overwrite: boolean
}

/** Files whose bytes stay as they are do not appear. `digest` and `content` are null on delete. */
export type PlanFile = {
  readonly path: string
  /** The change that it belongs to, by index. */
  readonly change: number
  readonly operation: 'create' | 'update' | 'delete'
  readonly digest: string | null
  readonly content: string | null
}

export type Warning = { readonly policy: string; readonly rule: string; readonly message: string }
export type AppliedRule = { readonly policy: string; readonly rule: string; readonly set: JsonObject }

/** An approval that is needed. `policy` and `rule` are null for the environment's own (deletes). */
export type Requirement = {
  readonly source: 'policy' | 'environment'
  readonly policy: string | null
  readonly rule: string | null
  readonly approvers: { readonly team: string; readonly role: TeamRole }
  readonly required: number
}

export type Decision = {
  readonly outcome: 'allowed' | 'requires_approval' | 'denied'
  readonly violations: readonly Violation[]
  readonly warnings: readonly Warning[]
  readonly applied: readonly AppliedRule[]
  readonly approvals: readonly Requirement[]
}

/** What a request would do. Pure function of platform, input and facts; the same digest for the same of these. */
export type Plan = {
  readonly team: string
  readonly environment: string
  readonly repository: string
  readonly branch: string
  readonly changes: readonly PlannedChange[]
  readonly files: readonly PlanFile[]
  readonly decision: Decision
  /** `sha256:…` over the canonical JSON of what is asked and what will be committed; see `planDigest`. */
  readonly digest: string
  /** `sha256:…` over name, revision and content of every policy that matched. */
  readonly policyDigest: string
}
