import type { Json, JsonObject } from '../../core/json.ts'
import type { Page } from '../../operations/page.ts'

/**
 * What the fields of a type are read from. Mostly it is REST's document, as operations show it; where REST has the name of
 * a thing, it is that name, and the document is loaded when a field beyond the name is asked for.
 */
export type ShownRequest = JsonObject & {
  readonly id: string
  readonly team: string
  readonly environment: string
  readonly retryOf: string | null
  readonly plan: JsonObject
}
export type ShownPlan = JsonObject & {
  readonly team: string
  readonly environment: string
  readonly plan: JsonObject & { readonly digest: string }
}
export type ShownResource = JsonObject & {
  readonly id: string
  readonly team: string
  readonly environment: string
  readonly blueprint: { readonly name: string; readonly version: string }
  readonly lastRequest: string
}
export type ShownDocument = JsonObject & {
  readonly metadata: JsonObject & { readonly name: string; readonly title?: string }
  readonly spec: JsonObject
  readonly status?: JsonObject
}

/** A document by its name; `shown` where it was read already. */
export type Named = { readonly name: string; readonly shown?: ShownDocument }

export type Connection<S> = {
  readonly nodes: readonly S[]
  readonly pageInfo: JsonObject
  readonly page: Page
  /** The team whose list it is; null: everybody's. */
  readonly team: string | null
}

/** One step of a stream; `event` is null in the first. */
export type Happening = { readonly cursor: string; readonly event: Sources['Event'] | null }

export type Sources = {
  Node: ShownRequest | ShownResource | (Named & { readonly kind: string })
  Me: JsonObject
  TeamRoleOfMe: { readonly name: string; readonly role: string }
  Request: ShownRequest
  Plan: ShownPlan
  ChangedResource: { readonly id: string | null; readonly name: string }
  BudgetSnapshot: { readonly name: string }
  Resource: ShownResource
  ResourceChange: JsonObject & { readonly request: string }
  LedgerEntry: JsonObject & { readonly request: string | null }
  Event: JsonObject & { readonly team: string | null }
  Team: Named
  Environment: Named
  Blueprint: Named & { readonly version?: string }
  Policy: Named
  Budget: Named
  Service: Named
  Trust: Named
  RequestConnection: Connection<ShownRequest>
  ResourceConnection: Connection<ShownResource>
  ResourceChangeConnection: Connection<Sources['ResourceChange']>
  LedgerEntryConnection: Connection<Sources['LedgerEntry']>
  EventConnection: Connection<Sources['Event']>
  DocumentVersionConnection: Connection<JsonObject>
  TeamConnection: Connection<Named>
  EnvironmentConnection: Connection<Named>
  BlueprintConnection: Connection<Sources['Blueprint']>
  PolicyConnection: Connection<Named>
  BudgetConnection: Connection<Named>
  ServiceConnection: Connection<Named>
  TrustConnection: Connection<Named>
  SubmitRequestPayload: { readonly request: ShownRequest; readonly replayed: boolean }
  ApproveRequestPayload: { readonly request: ShownRequest }
  RejectRequestPayload: { readonly request: ShownRequest }
  CancelRequestPayload: { readonly request: ShownRequest }
  RetryRequestPayload: { readonly request: ShownRequest; readonly replayed: boolean }
  PlanRequestPayload: { readonly plan: ShownPlan }
  RequestChanged: Happening & { readonly request: string }
  TeamActivity: Happening & { readonly team: string }
  BudgetChanged: Happening & { readonly budget: string }
  ServiceAccount: JsonObject & { readonly name: string; readonly team: string }
  ServiceAccountConnection: Connection<Sources['ServiceAccount']>
  TokenConnection: Connection<JsonObject>
  KnownKindConnection: Connection<JsonObject>
  AcceptBranchPayload: { readonly branch: JsonObject }
}

/** What a type's fields are read from: where nothing else is said, JSON as REST has it. */
export type Source<N extends string> = N extends keyof Sources ? Sources[N] : JsonObject

export function textIn(source: { readonly [key: string]: Json | undefined } | undefined, member: string): string | null {
  const value = source?.[member]
  return typeof value === 'string' ? value : null
}
