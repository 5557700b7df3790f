// Made by npm run generate from graphql/*.graphql.
import type { Json } from '../../../core/json.ts'
import type { enumWords } from '../enum-words.ts'
import type { Resolve } from '../graph-context.ts'
import type { Source } from '../sources.ts'

export type Lifecycle = (typeof enumWords)['Lifecycle'][number]
export type Measure = (typeof enumWords)['Measure'][number]
export type LedgerEntryKind = (typeof enumWords)['LedgerEntryKind'][number]
export type ApplyOutcome = (typeof enumWords)['ApplyOutcome'][number]
export type BranchState = (typeof enumWords)['BranchState'][number]
export type ImportOutcome = (typeof enumWords)['ImportOutcome'][number]
export type KindScope = (typeof enumWords)['KindScope'][number]
export type CredentialKind = (typeof enumWords)['CredentialKind'][number]
export type PrincipalKind = (typeof enumWords)['PrincipalKind'][number]
export type PlatformRole = (typeof enumWords)['PlatformRole'][number]
export type TeamRole = (typeof enumWords)['TeamRole'][number]
export type Scope = (typeof enumWords)['Scope'][number]
export type Action = (typeof enumWords)['Action'][number]
export type Outcome = (typeof enumWords)['Outcome'][number]
export type ApprovalSource = (typeof enumWords)['ApprovalSource'][number]
export type RequestState = (typeof enumWords)['RequestState'][number]
export type Awaiting = (typeof enumWords)['Awaiting'][number]
export type Vote = (typeof enumWords)['Vote'][number]
export type HoldKind = (typeof enumWords)['HoldKind'][number]
export type ResourceStatus = (typeof enumWords)['ResourceStatus'][number]

export type PutBlueprintInput = {
  readonly document: Json
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type DeleteBlueprintInput = {
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type PutBudgetInput = {
  readonly document: Json
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type DeleteBudgetInput = {
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type ApplyInput = {
  readonly documents: readonly (Json)[]
  readonly dryRun?: boolean | null
}

export type PutEnvironmentInput = {
  readonly document: Json
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type DeleteEnvironmentInput = {
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type AcceptBranchInput = {
  readonly branch: string
  readonly head: string
  readonly repository: string
}

export type ImportBlueprintsInput = {
  readonly allow?: Json | null
  readonly documents?: readonly (Json)[] | null
  readonly dryRun?: boolean | null
  readonly fromCluster?: string | null
  readonly price?: Json | null
}

export type AddSchemasInput = {
  readonly documents?: readonly (Json)[] | null
  readonly dryRun?: boolean | null
  readonly fromCluster?: string | null
}

export type DeleteSchemaInput = {
  readonly group: string
  readonly kind: string
  readonly version: string
}

export type PlanRequestInput = {
  readonly changes: readonly (ChangeInput)[]
  readonly environment: string
  readonly planDigest?: string | null
  readonly reason?: string | null
  readonly team: string
}

export type ChangeInput = {
  readonly action: Action
  readonly blueprint?: string | null
  readonly name: string
  readonly overwrite?: boolean | null
  readonly parameters?: Json | null
  readonly ttl?: string | null
}

export type PutPolicyInput = {
  readonly document: Json
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type DeletePolicyInput = {
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type SubmitRequestInput = {
  readonly changes: readonly (ChangeInput)[]
  readonly environment: string
  readonly idempotencyKey?: string | null
  readonly planDigest?: string | null
  readonly reason?: string | null
  readonly team: string
}

export type ApproveRequestInput = {
  readonly comment?: string | null
  readonly id: string
  readonly planDigest: string
}

export type RejectRequestInput = {
  readonly comment: string
  readonly id: string
}

export type CancelRequestInput = {
  readonly id: string
}

export type RetryRequestInput = {
  readonly id: string
  readonly idempotencyKey?: string | null
}

export type CreateServiceAccountInput = {
  readonly description?: string | null
  readonly name: string
  readonly team: string
}

export type RetireServiceAccountInput = {
  readonly name: string
}

export type CreateTokenInput = {
  readonly expiresIn: number
  readonly impersonateTeams?: readonly (string)[] | null
  readonly name: string
  readonly overlap?: number | null
  readonly replaces?: string | null
  readonly scopes: readonly (Scope)[]
}

export type RevokeTokenInput = {
  readonly id: string
  readonly name: string
}

export type PutServiceInput = {
  readonly document: Json
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type DeleteServiceInput = {
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type PutTeamInput = {
  readonly document: Json
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type DeleteTeamInput = {
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type PutTrustInput = {
  readonly document: Json
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type DeleteTrustInput = {
  readonly dryRun?: boolean | null
  readonly ifMatch?: string | null
  readonly name: string
}

export type BlueprintResolvers = {
  readonly apiVersion?: Resolve<Source<'Blueprint'>, object, string>
  readonly id?: Resolve<Source<'Blueprint'>, object, string>
  readonly kind?: Resolve<Source<'Blueprint'>, object, string>
  readonly lifecycle?: Resolve<Source<'Blueprint'>, object, Lifecycle | null>
  readonly metadata?: Resolve<Source<'Blueprint'>, object, Source<'Metadata'> | null>
  readonly name?: Resolve<Source<'Blueprint'>, object, string>
  readonly parameters?: Resolve<Source<'Blueprint'>, object, Json | null>
  readonly spec?: Resolve<Source<'Blueprint'>, object, Json | null>
  readonly title?: Resolve<Source<'Blueprint'>, object, string | null>
  readonly version?: Resolve<Source<'Blueprint'>, object, string>
  readonly versions?: Resolve<Source<'Blueprint'>, { readonly after?: string | null; readonly first?: number | null }, Source<'DocumentVersionConnection'>>
}

export type BlueprintConnectionResolvers = {
  readonly edges?: Resolve<Source<'BlueprintConnection'>, object, readonly (Source<'BlueprintEdge'>)[]>
  readonly nodes?: Resolve<Source<'BlueprintConnection'>, object, readonly (Source<'Blueprint'>)[]>
  readonly pageInfo?: Resolve<Source<'BlueprintConnection'>, object, Source<'PageInfo'>>
  readonly totalCount?: Resolve<Source<'BlueprintConnection'>, object, number>
}

export type BlueprintEdgeResolvers = {
  readonly cursor?: Resolve<Source<'BlueprintEdge'>, object, string>
  readonly node?: Resolve<Source<'BlueprintEdge'>, object, Source<'Blueprint'>>
}

export type PutBlueprintPayloadResolvers = {
  readonly blueprint?: Resolve<Source<'PutBlueprintPayload'>, object, Source<'Blueprint'>>
  readonly created?: Resolve<Source<'PutBlueprintPayload'>, object, boolean>
}

export type DeleteBlueprintPayloadResolvers = {
  readonly deletedId?: Resolve<Source<'DeleteBlueprintPayload'>, object, string>
  readonly name?: Resolve<Source<'DeleteBlueprintPayload'>, object, string>
}

export type BudgetResolvers = {
  readonly apiVersion?: Resolve<Source<'Budget'>, object, string>
  readonly environment?: Resolve<Source<'Budget'>, object, Source<'Environment'> | null>
  readonly id?: Resolve<Source<'Budget'>, object, string>
  readonly kind?: Resolve<Source<'Budget'>, object, string>
  readonly ledger?: Resolve<Source<'Budget'>, { readonly after?: string | null; readonly first?: number | null }, Source<'LedgerEntryConnection'>>
  readonly limit?: Resolve<Source<'Budget'>, object, string | null>
  readonly measure?: Resolve<Source<'Budget'>, object, Measure | null>
  readonly metadata?: Resolve<Source<'Budget'>, object, Source<'Metadata'> | null>
  readonly name?: Resolve<Source<'Budget'>, object, string>
  readonly spec?: Resolve<Source<'Budget'>, object, Json | null>
  readonly status?: Resolve<Source<'Budget'>, object, Source<'BudgetStatus'> | null>
  readonly team?: Resolve<Source<'Budget'>, object, Source<'Team'> | null>
  readonly title?: Resolve<Source<'Budget'>, object, string | null>
  readonly versions?: Resolve<Source<'Budget'>, { readonly after?: string | null; readonly first?: number | null }, Source<'DocumentVersionConnection'>>
}

export type BudgetConnectionResolvers = {
  readonly edges?: Resolve<Source<'BudgetConnection'>, object, readonly (Source<'BudgetEdge'>)[]>
  readonly nodes?: Resolve<Source<'BudgetConnection'>, object, readonly (Source<'Budget'>)[]>
  readonly pageInfo?: Resolve<Source<'BudgetConnection'>, object, Source<'PageInfo'>>
  readonly totalCount?: Resolve<Source<'BudgetConnection'>, object, number>
}

export type BudgetEdgeResolvers = {
  readonly cursor?: Resolve<Source<'BudgetEdge'>, object, string>
  readonly node?: Resolve<Source<'BudgetEdge'>, object, Source<'Budget'>>
}

export type PutBudgetPayloadResolvers = {
  readonly budget?: Resolve<Source<'PutBudgetPayload'>, object, Source<'Budget'>>
  readonly created?: Resolve<Source<'PutBudgetPayload'>, object, boolean>
}

export type DeleteBudgetPayloadResolvers = {
  readonly deletedId?: Resolve<Source<'DeleteBudgetPayload'>, object, string>
  readonly name?: Resolve<Source<'DeleteBudgetPayload'>, object, string>
}

export type BudgetStatusResolvers = {
  readonly committed?: Resolve<Source<'BudgetStatus'>, object, string>
  readonly limit?: Resolve<Source<'BudgetStatus'>, object, string>
  readonly remaining?: Resolve<Source<'BudgetStatus'>, object, string>
  readonly reserved?: Resolve<Source<'BudgetStatus'>, object, string>
}

export type LedgerEntryResolvers = {
  readonly amount?: Resolve<Source<'LedgerEntry'>, object, string>
  readonly at?: Resolve<Source<'LedgerEntry'>, object, string>
  readonly kind?: Resolve<Source<'LedgerEntry'>, object, LedgerEntryKind>
  readonly request?: Resolve<Source<'LedgerEntry'>, object, Source<'Request'> | null>
}

export type LedgerEntryConnectionResolvers = {
  readonly edges?: Resolve<Source<'LedgerEntryConnection'>, object, readonly (Source<'LedgerEntryEdge'>)[]>
  readonly nodes?: Resolve<Source<'LedgerEntryConnection'>, object, readonly (Source<'LedgerEntry'>)[]>
  readonly pageInfo?: Resolve<Source<'LedgerEntryConnection'>, object, Source<'PageInfo'>>
}

export type LedgerEntryEdgeResolvers = {
  readonly cursor?: Resolve<Source<'LedgerEntryEdge'>, object, string>
  readonly node?: Resolve<Source<'LedgerEntryEdge'>, object, Source<'LedgerEntry'>>
}

export type ApplyPayloadResolvers = {
  readonly platformRevision?: Resolve<Source<'ApplyPayload'>, object, number>
  readonly results?: Resolve<Source<'ApplyPayload'>, object, readonly (Source<'ApplyResult'>)[]>
}

export type ApplyResultResolvers = {
  readonly kind?: Resolve<Source<'ApplyResult'>, object, string>
  readonly name?: Resolve<Source<'ApplyResult'>, object, string>
  readonly outcome?: Resolve<Source<'ApplyResult'>, object, ApplyOutcome>
  readonly revision?: Resolve<Source<'ApplyResult'>, object, number>
  readonly warnings?: Resolve<Source<'ApplyResult'>, object, readonly (Source<'DocumentWarning'>)[] | null>
}

export type DocumentWarningResolvers = {
  readonly detail?: Resolve<Source<'DocumentWarning'>, object, string>
  readonly pointer?: Resolve<Source<'DocumentWarning'>, object, string>
}

export type MetadataResolvers = {
  readonly createdAt?: Resolve<Source<'Metadata'>, object, string>
  readonly description?: Resolve<Source<'Metadata'>, object, string | null>
  readonly links?: Resolve<Source<'Metadata'>, object, readonly (Source<'Link'>)[] | null>
  readonly name?: Resolve<Source<'Metadata'>, object, string>
  readonly revision?: Resolve<Source<'Metadata'>, object, number>
  readonly tags?: Resolve<Source<'Metadata'>, object, readonly (string)[] | null>
  readonly title?: Resolve<Source<'Metadata'>, object, string | null>
  readonly updatedAt?: Resolve<Source<'Metadata'>, object, string>
}

export type LinkResolvers = {
  readonly title?: Resolve<Source<'Link'>, object, string | null>
  readonly url?: Resolve<Source<'Link'>, object, string>
}

export type DocumentVersionResolvers = {
  readonly apiVersion?: Resolve<Source<'DocumentVersion'>, object, string>
  readonly kind?: Resolve<Source<'DocumentVersion'>, object, string>
  readonly metadata?: Resolve<Source<'DocumentVersion'>, object, Source<'VersionMetadata'>>
  readonly spec?: Resolve<Source<'DocumentVersion'>, object, Json>
}

export type VersionMetadataResolvers = {
  readonly appliedAt?: Resolve<Source<'VersionMetadata'>, object, string>
  readonly appliedBy?: Resolve<Source<'VersionMetadata'>, object, string>
  readonly description?: Resolve<Source<'VersionMetadata'>, object, string | null>
  readonly links?: Resolve<Source<'VersionMetadata'>, object, readonly (Source<'Link'>)[] | null>
  readonly name?: Resolve<Source<'VersionMetadata'>, object, string>
  readonly revision?: Resolve<Source<'VersionMetadata'>, object, number>
  readonly tags?: Resolve<Source<'VersionMetadata'>, object, readonly (string)[] | null>
  readonly title?: Resolve<Source<'VersionMetadata'>, object, string | null>
}

export type DocumentVersionConnectionResolvers = {
  readonly edges?: Resolve<Source<'DocumentVersionConnection'>, object, readonly (Source<'DocumentVersionEdge'>)[]>
  readonly nodes?: Resolve<Source<'DocumentVersionConnection'>, object, readonly (Source<'DocumentVersion'>)[]>
  readonly pageInfo?: Resolve<Source<'DocumentVersionConnection'>, object, Source<'PageInfo'>>
}

export type DocumentVersionEdgeResolvers = {
  readonly cursor?: Resolve<Source<'DocumentVersionEdge'>, object, string>
  readonly node?: Resolve<Source<'DocumentVersionEdge'>, object, Source<'DocumentVersion'>>
}

export type EnvironmentResolvers = {
  readonly apiVersion?: Resolve<Source<'Environment'>, object, string>
  readonly id?: Resolve<Source<'Environment'>, object, string>
  readonly kind?: Resolve<Source<'Environment'>, object, string>
  readonly metadata?: Resolve<Source<'Environment'>, object, Source<'Metadata'> | null>
  readonly name?: Resolve<Source<'Environment'>, object, string>
  readonly namespace?: Resolve<Source<'Environment'>, object, string | null>
  readonly order?: Resolve<Source<'Environment'>, object, number | null>
  readonly spec?: Resolve<Source<'Environment'>, object, Json | null>
  readonly title?: Resolve<Source<'Environment'>, object, string | null>
  readonly versions?: Resolve<Source<'Environment'>, { readonly after?: string | null; readonly first?: number | null }, Source<'DocumentVersionConnection'>>
}

export type EnvironmentConnectionResolvers = {
  readonly edges?: Resolve<Source<'EnvironmentConnection'>, object, readonly (Source<'EnvironmentEdge'>)[]>
  readonly nodes?: Resolve<Source<'EnvironmentConnection'>, object, readonly (Source<'Environment'>)[]>
  readonly pageInfo?: Resolve<Source<'EnvironmentConnection'>, object, Source<'PageInfo'>>
  readonly totalCount?: Resolve<Source<'EnvironmentConnection'>, object, number>
}

export type EnvironmentEdgeResolvers = {
  readonly cursor?: Resolve<Source<'EnvironmentEdge'>, object, string>
  readonly node?: Resolve<Source<'EnvironmentEdge'>, object, Source<'Environment'>>
}

export type PutEnvironmentPayloadResolvers = {
  readonly environment?: Resolve<Source<'PutEnvironmentPayload'>, object, Source<'Environment'>>
  readonly created?: Resolve<Source<'PutEnvironmentPayload'>, object, boolean>
}

export type DeleteEnvironmentPayloadResolvers = {
  readonly deletedId?: Resolve<Source<'DeleteEnvironmentPayload'>, object, string>
  readonly name?: Resolve<Source<'DeleteEnvironmentPayload'>, object, string>
}

export type EventResolvers = {
  readonly actor?: Resolve<Source<'Event'>, object, Source<'Actor'>>
  readonly data?: Resolve<Source<'Event'>, object, Json>
  readonly id?: Resolve<Source<'Event'>, object, string>
  readonly subject?: Resolve<Source<'Event'>, object, string>
  readonly team?: Resolve<Source<'Event'>, object, Source<'Team'> | null>
  readonly time?: Resolve<Source<'Event'>, object, string>
  readonly type?: Resolve<Source<'Event'>, object, string>
}

export type EventConnectionResolvers = {
  readonly edges?: Resolve<Source<'EventConnection'>, object, readonly (Source<'EventEdge'>)[]>
  readonly nodes?: Resolve<Source<'EventConnection'>, object, readonly (Source<'Event'>)[]>
  readonly pageInfo?: Resolve<Source<'EventConnection'>, object, Source<'PageInfo'>>
}

export type EventEdgeResolvers = {
  readonly cursor?: Resolve<Source<'EventEdge'>, object, string>
  readonly node?: Resolve<Source<'EventEdge'>, object, Source<'Event'>>
}

export type BranchResolvers = {
  readonly branch?: Resolve<Source<'Branch'>, object, string>
  readonly detail?: Resolve<Source<'Branch'>, object, string | null>
  readonly head?: Resolve<Source<'Branch'>, object, string | null>
  readonly repository?: Resolve<Source<'Branch'>, object, string>
  readonly since?: Resolve<Source<'Branch'>, object, string>
  readonly state?: Resolve<Source<'Branch'>, object, BranchState>
}

export type VerificationResolvers = {
  readonly commits?: Resolve<Source<'Verification'>, object, number>
  readonly missing?: Resolve<Source<'Verification'>, object, number>
  readonly pageInfo?: Resolve<Source<'Verification'>, object, Source<'PageInfo'>>
  readonly problems?: Resolve<Source<'Verification'>, object, readonly (Source<'VerificationProblem'>)[]>
  readonly verified?: Resolve<Source<'Verification'>, object, number>
}

export type VerificationProblemResolvers = {
  readonly branch?: Resolve<Source<'VerificationProblem'>, object, string>
  readonly commit?: Resolve<Source<'VerificationProblem'>, object, string>
  readonly path?: Resolve<Source<'VerificationProblem'>, object, string | null>
  readonly reason?: Resolve<Source<'VerificationProblem'>, object, string>
  readonly repository?: Resolve<Source<'VerificationProblem'>, object, string>
}

export type AcceptBranchPayloadResolvers = {
  readonly branch?: Resolve<Source<'AcceptBranchPayload'>, object, Source<'Branch'>>
}

export type ImportBlueprintsPayloadResolvers = {
  readonly results?: Resolve<Source<'ImportBlueprintsPayload'>, object, readonly (Source<'ImportResult'>)[]>
}

export type ImportResultResolvers = {
  readonly blueprint?: Resolve<Source<'ImportResult'>, object, string | null>
  readonly diff?: Resolve<Source<'ImportResult'>, object, readonly (Source<'ImportDifference'>)[]>
  readonly document?: Resolve<Source<'ImportResult'>, object, Json | null>
  readonly outcome?: Resolve<Source<'ImportResult'>, object, ImportOutcome>
  readonly reasons?: Resolve<Source<'ImportResult'>, object, readonly (Source<'FieldError'>)[]>
  readonly source?: Resolve<Source<'ImportResult'>, object, Source<'ImportSource'>>
  readonly touches?: Resolve<Source<'ImportResult'>, object, readonly (Source<'Resource'>)[]>
  readonly version?: Resolve<Source<'ImportResult'>, object, string | null>
  readonly warnings?: Resolve<Source<'ImportResult'>, object, readonly (Source<'ImportWarning'>)[]>
}

export type ImportSourceResolvers = {
  readonly apiVersion?: Resolve<Source<'ImportSource'>, object, string>
  readonly kind?: Resolve<Source<'ImportSource'>, object, string>
  readonly name?: Resolve<Source<'ImportSource'>, object, string>
}

export type ImportDifferenceResolvers = {
  readonly after?: Resolve<Source<'ImportDifference'>, object, Json | null>
  readonly before?: Resolve<Source<'ImportDifference'>, object, Json | null>
  readonly breaking?: Resolve<Source<'ImportDifference'>, object, boolean>
  readonly pointer?: Resolve<Source<'ImportDifference'>, object, string>
}

export type ImportWarningResolvers = {
  readonly detail?: Resolve<Source<'ImportWarning'>, object, string>
}

export type AddSchemasPayloadResolvers = {
  readonly results?: Resolve<Source<'AddSchemasPayload'>, object, readonly (Source<'SchemaResult'>)[]>
}

export type SchemaResultResolvers = {
  readonly kinds?: Resolve<Source<'SchemaResult'>, object, readonly (Source<'ServedKind'>)[]>
  readonly outcome?: Resolve<Source<'SchemaResult'>, object, ImportOutcome>
  readonly reasons?: Resolve<Source<'SchemaResult'>, object, readonly (Source<'FieldError'>)[]>
  readonly source?: Resolve<Source<'SchemaResult'>, object, Source<'ImportSource'>>
}

export type ServedKindResolvers = {
  readonly group?: Resolve<Source<'ServedKind'>, object, string>
  readonly kind?: Resolve<Source<'ServedKind'>, object, string>
  readonly version?: Resolve<Source<'ServedKind'>, object, string>
}

export type DeleteSchemaPayloadResolvers = {
  readonly kind?: Resolve<Source<'DeleteSchemaPayload'>, object, string>
}

export type KnownKindResolvers = {
  readonly definition?: Resolve<Source<'KnownKind'>, object, string>
  readonly digest?: Resolve<Source<'KnownKind'>, object, string>
  readonly group?: Resolve<Source<'KnownKind'>, object, string>
  readonly kind?: Resolve<Source<'KnownKind'>, object, string>
  readonly scope?: Resolve<Source<'KnownKind'>, object, KindScope>
  readonly updatedAt?: Resolve<Source<'KnownKind'>, object, string>
  readonly updatedBy?: Resolve<Source<'KnownKind'>, object, string>
  readonly version?: Resolve<Source<'KnownKind'>, object, string>
}

export type KnownKindWithSchemaResolvers = {
  readonly definition?: Resolve<Source<'KnownKindWithSchema'>, object, string>
  readonly digest?: Resolve<Source<'KnownKindWithSchema'>, object, string>
  readonly group?: Resolve<Source<'KnownKindWithSchema'>, object, string>
  readonly kind?: Resolve<Source<'KnownKindWithSchema'>, object, string>
  readonly schema?: Resolve<Source<'KnownKindWithSchema'>, object, Json>
  readonly scope?: Resolve<Source<'KnownKindWithSchema'>, object, KindScope>
  readonly updatedAt?: Resolve<Source<'KnownKindWithSchema'>, object, string>
  readonly updatedBy?: Resolve<Source<'KnownKindWithSchema'>, object, string>
  readonly version?: Resolve<Source<'KnownKindWithSchema'>, object, string>
}

export type KnownKindConnectionResolvers = {
  readonly edges?: Resolve<Source<'KnownKindConnection'>, object, readonly (Source<'KnownKindEdge'>)[]>
  readonly nodes?: Resolve<Source<'KnownKindConnection'>, object, readonly (Source<'KnownKind'>)[]>
  readonly pageInfo?: Resolve<Source<'KnownKindConnection'>, object, Source<'PageInfo'>>
}

export type KnownKindEdgeResolvers = {
  readonly cursor?: Resolve<Source<'KnownKindEdge'>, object, string>
  readonly node?: Resolve<Source<'KnownKindEdge'>, object, Source<'KnownKind'>>
}

export type PermissionsResolvers = {
  readonly permissions?: Resolve<Source<'Permissions'>, object, readonly (Source<'Permission'>)[]>
  readonly team?: Resolve<Source<'Permissions'>, object, Source<'Team'> | null>
}

export type PermissionResolvers = {
  readonly allowed?: Resolve<Source<'Permission'>, object, boolean>
  readonly does?: Resolve<Source<'Permission'>, object, string>
  readonly needs?: Resolve<Source<'Permission'>, object, string | null>
  readonly operation?: Resolve<Source<'Permission'>, object, string>
  readonly verb?: Resolve<Source<'Permission'>, object, string>
}

export type MeResolvers = {
  readonly credential?: Resolve<Source<'Me'>, object, Source<'Credential'>>
  readonly email?: Resolve<Source<'Me'>, object, string | null>
  readonly kind?: Resolve<Source<'Me'>, object, PrincipalKind>
  readonly platformRoles?: Resolve<Source<'Me'>, object, readonly (PlatformRole)[]>
  readonly scopes?: Resolve<Source<'Me'>, object, readonly (Scope)[]>
  readonly subject?: Resolve<Source<'Me'>, object, string>
  readonly teams?: Resolve<Source<'Me'>, object, readonly (Source<'TeamRoleOfMe'>)[]>
  readonly via?: Resolve<Source<'Me'>, object, string | null>
}

export type CredentialResolvers = {
  readonly expiresAt?: Resolve<Source<'Credential'>, object, string | null>
  readonly id?: Resolve<Source<'Credential'>, object, string | null>
  readonly kind?: Resolve<Source<'Credential'>, object, CredentialKind>
}

export type TeamRoleOfMeResolvers = {
  readonly name?: Resolve<Source<'TeamRoleOfMe'>, object, string>
  readonly role?: Resolve<Source<'TeamRoleOfMe'>, object, TeamRole>
  readonly team?: Resolve<Source<'TeamRoleOfMe'>, object, Source<'Team'>>
}

export type PageInfoResolvers = {
  readonly endCursor?: Resolve<Source<'PageInfo'>, object, string | null>
  readonly hasNextPage?: Resolve<Source<'PageInfo'>, object, boolean>
  readonly hasPreviousPage?: Resolve<Source<'PageInfo'>, object, boolean>
  readonly startCursor?: Resolve<Source<'PageInfo'>, object, string | null>
}

export type QueryResolvers = {
  readonly node: Resolve<unknown, { readonly id: string }, Source<'Node'> | null>
  readonly blueprint: Resolve<unknown, { readonly name: string }, Source<'Blueprint'> | null>
  readonly blueprints: Resolve<unknown, { readonly after?: string | null; readonly first?: number | null }, Source<'BlueprintConnection'>>
  readonly budget: Resolve<unknown, { readonly name: string }, Source<'Budget'> | null>
  readonly budgets: Resolve<unknown, { readonly after?: string | null; readonly first?: number | null }, Source<'BudgetConnection'>>
  readonly environment: Resolve<unknown, { readonly name: string }, Source<'Environment'> | null>
  readonly environments: Resolve<unknown, { readonly after?: string | null; readonly first?: number | null }, Source<'EnvironmentConnection'>>
  readonly events: Resolve<unknown, { readonly after?: string | null; readonly first?: number | null; readonly subject?: string | null; readonly team?: string | null; readonly type?: string | null }, Source<'EventConnection'>>
  readonly branches: Resolve<unknown, object, readonly (Source<'Branch'>)[]>
  readonly verification: Resolve<unknown, { readonly after?: string | null; readonly first?: number | null }, Source<'Verification'>>
  readonly schema: Resolve<unknown, { readonly group: string; readonly kind: string; readonly version: string }, Source<'KnownKindWithSchema'> | null>
  readonly schemas: Resolve<unknown, { readonly after?: string | null; readonly first?: number | null; readonly group?: string | null }, Source<'KnownKindConnection'>>
  readonly me: Resolve<unknown, object, Source<'Me'>>
  readonly permissions: Resolve<unknown, { readonly team?: string | null }, Source<'Permissions'> | null>
  readonly policy: Resolve<unknown, { readonly name: string }, Source<'Policy'> | null>
  readonly policies: Resolve<unknown, { readonly after?: string | null; readonly first?: number | null }, Source<'PolicyConnection'>>
  readonly request: Resolve<unknown, { readonly id: string }, Source<'Request'> | null>
  readonly requests: Resolve<unknown, { readonly after?: string | null; readonly awaiting?: Awaiting | null; readonly environment?: string | null; readonly first?: number | null; readonly requester?: string | null; readonly resource?: string | null; readonly state?: RequestState | null; readonly team?: string | null }, Source<'RequestConnection'>>
  readonly resource: Resolve<unknown, { readonly id: string }, Source<'Resource'> | null>
  readonly resources: Resolve<unknown, { readonly after?: string | null; readonly blueprint?: string | null; readonly environment?: string | null; readonly first?: number | null; readonly status?: ResourceStatus | null; readonly team?: string | null }, Source<'ResourceConnection'>>
  readonly serviceAccount: Resolve<unknown, { readonly name: string }, Source<'ServiceAccount'> | null>
  readonly serviceAccounts: Resolve<unknown, { readonly after?: string | null; readonly first?: number | null; readonly team?: string | null }, Source<'ServiceAccountConnection'>>
  readonly service: Resolve<unknown, { readonly name: string }, Source<'Service'> | null>
  readonly services: Resolve<unknown, { readonly after?: string | null; readonly first?: number | null; readonly lifecycle?: Lifecycle | null; readonly owner?: string | null; readonly tag?: string | null }, Source<'ServiceConnection'>>
  readonly team: Resolve<unknown, { readonly name: string }, Source<'Team'> | null>
  readonly teams: Resolve<unknown, { readonly after?: string | null; readonly first?: number | null }, Source<'TeamConnection'>>
  readonly trust: Resolve<unknown, { readonly name: string }, Source<'Trust'> | null>
  readonly trusts: Resolve<unknown, { readonly after?: string | null; readonly first?: number | null }, Source<'TrustConnection'>>
}

export type MutationResolvers = {
  readonly deleteBlueprint: Resolve<unknown, { readonly input: DeleteBlueprintInput }, Source<'DeleteBlueprintPayload'> | null>
  readonly putBlueprint: Resolve<unknown, { readonly input: PutBlueprintInput }, Source<'PutBlueprintPayload'> | null>
  readonly deleteBudget: Resolve<unknown, { readonly input: DeleteBudgetInput }, Source<'DeleteBudgetPayload'> | null>
  readonly putBudget: Resolve<unknown, { readonly input: PutBudgetInput }, Source<'PutBudgetPayload'> | null>
  readonly apply: Resolve<unknown, { readonly input: ApplyInput }, Source<'ApplyPayload'> | null>
  readonly deleteEnvironment: Resolve<unknown, { readonly input: DeleteEnvironmentInput }, Source<'DeleteEnvironmentPayload'> | null>
  readonly putEnvironment: Resolve<unknown, { readonly input: PutEnvironmentInput }, Source<'PutEnvironmentPayload'> | null>
  readonly acceptBranch: Resolve<unknown, { readonly input: AcceptBranchInput }, Source<'AcceptBranchPayload'> | null>
  readonly importBlueprints: Resolve<unknown, { readonly input: ImportBlueprintsInput }, Source<'ImportBlueprintsPayload'> | null>
  readonly addSchemas: Resolve<unknown, { readonly input: AddSchemasInput }, Source<'AddSchemasPayload'> | null>
  readonly deleteSchema: Resolve<unknown, { readonly input: DeleteSchemaInput }, Source<'DeleteSchemaPayload'> | null>
  readonly planRequest: Resolve<unknown, { readonly input: PlanRequestInput }, Source<'PlanRequestPayload'> | null>
  readonly deletePolicy: Resolve<unknown, { readonly input: DeletePolicyInput }, Source<'DeletePolicyPayload'> | null>
  readonly putPolicy: Resolve<unknown, { readonly input: PutPolicyInput }, Source<'PutPolicyPayload'> | null>
  readonly approveRequest: Resolve<unknown, { readonly input: ApproveRequestInput }, Source<'ApproveRequestPayload'> | null>
  readonly cancelRequest: Resolve<unknown, { readonly input: CancelRequestInput }, Source<'CancelRequestPayload'> | null>
  readonly rejectRequest: Resolve<unknown, { readonly input: RejectRequestInput }, Source<'RejectRequestPayload'> | null>
  readonly retryRequest: Resolve<unknown, { readonly input: RetryRequestInput }, Source<'RetryRequestPayload'> | null>
  readonly submitRequest: Resolve<unknown, { readonly input: SubmitRequestInput }, Source<'SubmitRequestPayload'> | null>
  readonly createServiceAccount: Resolve<unknown, { readonly input: CreateServiceAccountInput }, Source<'CreateServiceAccountPayload'> | null>
  readonly createToken: Resolve<unknown, { readonly input: CreateTokenInput }, Source<'CreateTokenPayload'> | null>
  readonly retireServiceAccount: Resolve<unknown, { readonly input: RetireServiceAccountInput }, Source<'RetireServiceAccountPayload'> | null>
  readonly revokeToken: Resolve<unknown, { readonly input: RevokeTokenInput }, Source<'RevokeTokenPayload'> | null>
  readonly deleteService: Resolve<unknown, { readonly input: DeleteServiceInput }, Source<'DeleteServicePayload'> | null>
  readonly putService: Resolve<unknown, { readonly input: PutServiceInput }, Source<'PutServicePayload'> | null>
  readonly deleteTeam: Resolve<unknown, { readonly input: DeleteTeamInput }, Source<'DeleteTeamPayload'> | null>
  readonly putTeam: Resolve<unknown, { readonly input: PutTeamInput }, Source<'PutTeamPayload'> | null>
  readonly deleteTrust: Resolve<unknown, { readonly input: DeleteTrustInput }, Source<'DeleteTrustPayload'> | null>
  readonly putTrust: Resolve<unknown, { readonly input: PutTrustInput }, Source<'PutTrustPayload'> | null>
}

export type PlanRequestPayloadResolvers = {
  readonly plan?: Resolve<Source<'PlanRequestPayload'>, object, Source<'Plan'>>
}

export type PlanResolvers = {
  readonly budgets?: Resolve<Source<'Plan'>, object, readonly (Source<'BudgetSnapshot'>)[]>
  readonly changes?: Resolve<Source<'Plan'>, object, readonly (Source<'Change'>)[]>
  readonly cost?: Resolve<Source<'Plan'>, object, Source<'CostDelta'>>
  readonly decision?: Resolve<Source<'Plan'>, object, Source<'Decision'>>
  readonly digest?: Resolve<Source<'Plan'>, object, string>
  readonly environment?: Resolve<Source<'Plan'>, object, Source<'Environment'>>
  readonly message?: Resolve<Source<'Plan'>, object, string>
  readonly plan?: Resolve<Source<'Plan'>, object, Source<'RequestPlan'>>
  readonly problem?: Resolve<Source<'Plan'>, object, Source<'Problem'> | null>
  readonly reason?: Resolve<Source<'Plan'>, object, string>
  readonly team?: Resolve<Source<'Plan'>, object, Source<'Team'>>
}

export type RequestPlanResolvers = {
  readonly branch?: Resolve<Source<'RequestPlan'>, object, string>
  readonly digest?: Resolve<Source<'RequestPlan'>, object, string>
  readonly files?: Resolve<Source<'RequestPlan'>, object, readonly (Source<'PlanFile'>)[]>
  readonly repository?: Resolve<Source<'RequestPlan'>, object, string>
}

export type PlanFileResolvers = {
  readonly content?: Resolve<Source<'PlanFile'>, object, string | null>
  readonly digest?: Resolve<Source<'PlanFile'>, object, string | null>
  readonly operation?: Resolve<Source<'PlanFile'>, object, Action>
  readonly path?: Resolve<Source<'PlanFile'>, object, string>
  readonly previous?: Resolve<Source<'PlanFile'>, object, string | null>
}

export type ChangeResolvers = {
  readonly action?: Resolve<Source<'Change'>, object, Action>
  readonly baseRevision?: Resolve<Source<'Change'>, object, number | null>
  readonly blueprint?: Resolve<Source<'Change'>, object, Source<'Blueprint'>>
  readonly cost?: Resolve<Source<'Change'>, object, Source<'ChangeCost'>>
  readonly parameters?: Resolve<Source<'Change'>, object, Json | null>
  readonly resource?: Resolve<Source<'Change'>, object, Source<'ChangedResource'>>
  readonly ttl?: Resolve<Source<'Change'>, object, string | null>
}

export type ChangedResourceResolvers = {
  readonly id?: Resolve<Source<'ChangedResource'>, object, string | null>
  readonly name?: Resolve<Source<'ChangedResource'>, object, string>
  readonly resource?: Resolve<Source<'ChangedResource'>, object, Source<'Resource'> | null>
}

export type ChangeCostResolvers = {
  readonly after?: Resolve<Source<'ChangeCost'>, object, string>
  readonly before?: Resolve<Source<'ChangeCost'>, object, string>
  readonly currency?: Resolve<Source<'ChangeCost'>, object, string>
}

export type CostDeltaResolvers = {
  readonly currency?: Resolve<Source<'CostDelta'>, object, string>
  readonly monthlyDelta?: Resolve<Source<'CostDelta'>, object, string>
}

export type DecisionResolvers = {
  readonly applied?: Resolve<Source<'Decision'>, object, readonly (Source<'AppliedRule'>)[]>
  readonly approvals?: Resolve<Source<'Decision'>, object, readonly (Source<'RequiredApproval'>)[]>
  readonly outcome?: Resolve<Source<'Decision'>, object, Outcome>
  readonly violations?: Resolve<Source<'Decision'>, object, readonly (Source<'Violation'>)[]>
  readonly warnings?: Resolve<Source<'Decision'>, object, readonly (Source<'Warning'>)[]>
}

export type ViolationResolvers = {
  readonly message?: Resolve<Source<'Violation'>, object, string>
  readonly policy?: Resolve<Source<'Violation'>, object, string>
  readonly remedy?: Resolve<Source<'Violation'>, object, string | null>
  readonly rule?: Resolve<Source<'Violation'>, object, string>
}

export type WarningResolvers = {
  readonly message?: Resolve<Source<'Warning'>, object, string>
  readonly policy?: Resolve<Source<'Warning'>, object, string>
  readonly rule?: Resolve<Source<'Warning'>, object, string>
}

export type AppliedRuleResolvers = {
  readonly policy?: Resolve<Source<'AppliedRule'>, object, string>
  readonly rule?: Resolve<Source<'AppliedRule'>, object, string>
  readonly set?: Resolve<Source<'AppliedRule'>, object, Json>
}

export type RequiredApprovalResolvers = {
  readonly approvers?: Resolve<Source<'RequiredApproval'>, object, Source<'Approvers'>>
  readonly given?: Resolve<Source<'RequiredApproval'>, object, number>
  readonly policy?: Resolve<Source<'RequiredApproval'>, object, string | null>
  readonly required?: Resolve<Source<'RequiredApproval'>, object, number>
  readonly rule?: Resolve<Source<'RequiredApproval'>, object, string | null>
  readonly source?: Resolve<Source<'RequiredApproval'>, object, ApprovalSource>
}

export type ApproversResolvers = {
  readonly role?: Resolve<Source<'Approvers'>, object, TeamRole>
  readonly team?: Resolve<Source<'Approvers'>, object, string>
}

export type BudgetSnapshotResolvers = {
  readonly budget?: Resolve<Source<'BudgetSnapshot'>, object, Source<'Budget'> | null>
  readonly committed?: Resolve<Source<'BudgetSnapshot'>, object, string | null>
  readonly fits?: Resolve<Source<'BudgetSnapshot'>, object, boolean | null>
  readonly limit?: Resolve<Source<'BudgetSnapshot'>, object, string | null>
  readonly measure?: Resolve<Source<'BudgetSnapshot'>, object, Measure | null>
  readonly name?: Resolve<Source<'BudgetSnapshot'>, object, string>
  readonly remaining?: Resolve<Source<'BudgetSnapshot'>, object, string | null>
  readonly reserved?: Resolve<Source<'BudgetSnapshot'>, object, string | null>
  readonly shortfall?: Resolve<Source<'BudgetSnapshot'>, object, string | null>
}

export type PolicyResolvers = {
  readonly apiVersion?: Resolve<Source<'Policy'>, object, string>
  readonly id?: Resolve<Source<'Policy'>, object, string>
  readonly kind?: Resolve<Source<'Policy'>, object, string>
  readonly metadata?: Resolve<Source<'Policy'>, object, Source<'Metadata'> | null>
  readonly name?: Resolve<Source<'Policy'>, object, string>
  readonly rules?: Resolve<Source<'Policy'>, object, Json | null>
  readonly spec?: Resolve<Source<'Policy'>, object, Json | null>
  readonly title?: Resolve<Source<'Policy'>, object, string | null>
  readonly versions?: Resolve<Source<'Policy'>, { readonly after?: string | null; readonly first?: number | null }, Source<'DocumentVersionConnection'>>
}

export type PolicyConnectionResolvers = {
  readonly edges?: Resolve<Source<'PolicyConnection'>, object, readonly (Source<'PolicyEdge'>)[]>
  readonly nodes?: Resolve<Source<'PolicyConnection'>, object, readonly (Source<'Policy'>)[]>
  readonly pageInfo?: Resolve<Source<'PolicyConnection'>, object, Source<'PageInfo'>>
  readonly totalCount?: Resolve<Source<'PolicyConnection'>, object, number>
}

export type PolicyEdgeResolvers = {
  readonly cursor?: Resolve<Source<'PolicyEdge'>, object, string>
  readonly node?: Resolve<Source<'PolicyEdge'>, object, Source<'Policy'>>
}

export type PutPolicyPayloadResolvers = {
  readonly policy?: Resolve<Source<'PutPolicyPayload'>, object, Source<'Policy'>>
  readonly created?: Resolve<Source<'PutPolicyPayload'>, object, boolean>
}

export type DeletePolicyPayloadResolvers = {
  readonly deletedId?: Resolve<Source<'DeletePolicyPayload'>, object, string>
  readonly name?: Resolve<Source<'DeletePolicyPayload'>, object, string>
}

export type ProblemResolvers = {
  readonly allowed?: Resolve<Source<'Problem'>, object, readonly (string)[] | null>
  readonly budgets?: Resolve<Source<'Problem'>, object, readonly (Source<'Shortfall'>)[] | null>
  readonly code?: Resolve<Source<'Problem'>, object, string>
  readonly commit?: Resolve<Source<'Problem'>, object, string | null>
  readonly detail?: Resolve<Source<'Problem'>, object, string | null>
  readonly errors?: Resolve<Source<'Problem'>, object, readonly (Source<'FieldError'>)[] | null>
  readonly expected?: Resolve<Source<'Problem'>, object, string | null>
  readonly message?: Resolve<Source<'Problem'>, object, string | null>
  readonly name?: Resolve<Source<'Problem'>, object, string | null>
  readonly needs?: Resolve<Source<'Problem'>, object, string | null>
  readonly object?: Resolve<Source<'Problem'>, object, string | null>
  readonly offered?: Resolve<Source<'Problem'>, object, readonly (string)[] | null>
  readonly path?: Resolve<Source<'Problem'>, object, string | null>
  readonly planDigest?: Resolve<Source<'Problem'>, object, string | null>
  readonly pointer?: Resolve<Source<'Problem'>, object, string | null>
  readonly requestId?: Resolve<Source<'Problem'>, object, string | null>
  readonly resource?: Resolve<Source<'Problem'>, object, string | null>
  readonly retryAfter?: Resolve<Source<'Problem'>, object, number | null>
  readonly state?: Resolve<Source<'Problem'>, object, string | null>
  readonly status?: Resolve<Source<'Problem'>, object, number>
  readonly title?: Resolve<Source<'Problem'>, object, string>
  readonly type?: Resolve<Source<'Problem'>, object, string>
  readonly usedBy?: Resolve<Source<'Problem'>, object, readonly (string)[] | null>
  readonly version?: Resolve<Source<'Problem'>, object, string | null>
  readonly violations?: Resolve<Source<'Problem'>, object, readonly (Source<'Violation'>)[] | null>
}

export type FieldErrorResolvers = {
  readonly detail?: Resolve<Source<'FieldError'>, object, string>
  readonly frame?: Resolve<Source<'FieldError'>, object, string | null>
  readonly pointer?: Resolve<Source<'FieldError'>, object, string>
}

export type ShortfallResolvers = {
  readonly committed?: Resolve<Source<'Shortfall'>, object, string | null>
  readonly fits?: Resolve<Source<'Shortfall'>, object, boolean | null>
  readonly limit?: Resolve<Source<'Shortfall'>, object, string | null>
  readonly measure?: Resolve<Source<'Shortfall'>, object, Measure | null>
  readonly name?: Resolve<Source<'Shortfall'>, object, string>
  readonly requested?: Resolve<Source<'Shortfall'>, object, string | null>
  readonly reserved?: Resolve<Source<'Shortfall'>, object, string | null>
  readonly shortfall?: Resolve<Source<'Shortfall'>, object, string>
}

export type RequestResolvers = {
  readonly approvals?: Resolve<Source<'Request'>, object, readonly (Source<'Approval'>)[]>
  readonly budgets?: Resolve<Source<'Request'>, object, readonly (Source<'BudgetSnapshot'>)[]>
  readonly changes?: Resolve<Source<'Request'>, object, readonly (Source<'Change'>)[]>
  readonly cost?: Resolve<Source<'Request'>, object, Source<'CostDelta'>>
  readonly createdAt?: Resolve<Source<'Request'>, object, string>
  readonly decision?: Resolve<Source<'Request'>, object, Source<'Decision'>>
  readonly delivery?: Resolve<Source<'Request'>, object, Source<'Delivery'> | null>
  readonly diff?: Resolve<Source<'Request'>, object, string>
  readonly environment?: Resolve<Source<'Request'>, object, Source<'Environment'>>
  readonly events?: Resolve<Source<'Request'>, { readonly after?: string | null; readonly first?: number | null }, Source<'EventConnection'>>
  readonly hold?: Resolve<Source<'Request'>, object, Source<'Hold'> | null>
  readonly id?: Resolve<Source<'Request'>, object, string>
  readonly message?: Resolve<Source<'Request'>, object, string>
  readonly nextAction?: Resolve<Source<'Request'>, object, string | null>
  readonly plan?: Resolve<Source<'Request'>, object, Source<'RequestPlan'>>
  readonly problem?: Resolve<Source<'Request'>, object, Source<'Problem'> | null>
  readonly reason?: Resolve<Source<'Request'>, object, string>
  readonly requester?: Resolve<Source<'Request'>, object, Source<'Actor'>>
  readonly retryOf?: Resolve<Source<'Request'>, object, Source<'Request'> | null>
  readonly state?: Resolve<Source<'Request'>, object, RequestState>
  readonly team?: Resolve<Source<'Request'>, object, Source<'Team'>>
  readonly updatedAt?: Resolve<Source<'Request'>, object, string>
}

export type RequestConnectionResolvers = {
  readonly edges?: Resolve<Source<'RequestConnection'>, object, readonly (Source<'RequestEdge'>)[]>
  readonly nodes?: Resolve<Source<'RequestConnection'>, object, readonly (Source<'Request'>)[]>
  readonly pageInfo?: Resolve<Source<'RequestConnection'>, object, Source<'PageInfo'>>
}

export type RequestEdgeResolvers = {
  readonly cursor?: Resolve<Source<'RequestEdge'>, object, string>
  readonly node?: Resolve<Source<'RequestEdge'>, object, Source<'Request'>>
}

export type ActorResolvers = {
  readonly kind?: Resolve<Source<'Actor'>, object, PrincipalKind>
  readonly subject?: Resolve<Source<'Actor'>, object, string>
  readonly via?: Resolve<Source<'Actor'>, object, string | null>
}

export type ApprovalResolvers = {
  readonly at?: Resolve<Source<'Approval'>, object, string>
  readonly by?: Resolve<Source<'Approval'>, object, string>
  readonly comment?: Resolve<Source<'Approval'>, object, string | null>
  readonly vote?: Resolve<Source<'Approval'>, object, Vote>
}

export type DeliveryResolvers = {
  readonly branch?: Resolve<Source<'Delivery'>, object, string>
  readonly commit?: Resolve<Source<'Delivery'>, object, string>
  readonly committedAt?: Resolve<Source<'Delivery'>, object, string>
  readonly repository?: Resolve<Source<'Delivery'>, object, string>
}

export type HoldResolvers = {
  readonly kind?: Resolve<Source<'Hold'>, object, HoldKind>
  readonly reason?: Resolve<Source<'Hold'>, object, string>
  readonly until?: Resolve<Source<'Hold'>, object, string | null>
}

export type SubmitRequestPayloadResolvers = {
  readonly replayed?: Resolve<Source<'SubmitRequestPayload'>, object, boolean>
  readonly request?: Resolve<Source<'SubmitRequestPayload'>, object, Source<'Request'>>
}

export type ApproveRequestPayloadResolvers = {
  readonly request?: Resolve<Source<'ApproveRequestPayload'>, object, Source<'Request'>>
}

export type RejectRequestPayloadResolvers = {
  readonly request?: Resolve<Source<'RejectRequestPayload'>, object, Source<'Request'>>
}

export type CancelRequestPayloadResolvers = {
  readonly request?: Resolve<Source<'CancelRequestPayload'>, object, Source<'Request'>>
}

export type RetryRequestPayloadResolvers = {
  readonly replayed?: Resolve<Source<'RetryRequestPayload'>, object, boolean>
  readonly request?: Resolve<Source<'RetryRequestPayload'>, object, Source<'Request'>>
}

export type ResourceResolvers = {
  readonly blueprint?: Resolve<Source<'Resource'>, object, Source<'Blueprint'>>
  readonly cost?: Resolve<Source<'Resource'>, object, Source<'MonthlyCost'>>
  readonly createdAt?: Resolve<Source<'Resource'>, object, string>
  readonly environment?: Resolve<Source<'Resource'>, object, Source<'Environment'>>
  readonly events?: Resolve<Source<'Resource'>, { readonly after?: string | null; readonly first?: number | null }, Source<'EventConnection'>>
  readonly files?: Resolve<Source<'Resource'>, object, readonly (Source<'ResourceFile'>)[]>
  readonly history?: Resolve<Source<'Resource'>, { readonly after?: string | null; readonly first?: number | null }, Source<'ResourceChangeConnection'>>
  readonly id?: Resolve<Source<'Resource'>, object, string>
  readonly lastRequest?: Resolve<Source<'Resource'>, object, Source<'Request'> | null>
  readonly name?: Resolve<Source<'Resource'>, object, string>
  readonly parameters?: Resolve<Source<'Resource'>, object, Json>
  readonly requests?: Resolve<Source<'Resource'>, { readonly after?: string | null; readonly first?: number | null }, Source<'RequestConnection'>>
  readonly status?: Resolve<Source<'Resource'>, object, ResourceStatus>
  readonly team?: Resolve<Source<'Resource'>, object, Source<'Team'>>
  readonly ttl?: Resolve<Source<'Resource'>, object, string | null>
  readonly updatedAt?: Resolve<Source<'Resource'>, object, string>
}

export type ResourceConnectionResolvers = {
  readonly edges?: Resolve<Source<'ResourceConnection'>, object, readonly (Source<'ResourceEdge'>)[]>
  readonly nodes?: Resolve<Source<'ResourceConnection'>, object, readonly (Source<'Resource'>)[]>
  readonly pageInfo?: Resolve<Source<'ResourceConnection'>, object, Source<'PageInfo'>>
}

export type ResourceEdgeResolvers = {
  readonly cursor?: Resolve<Source<'ResourceEdge'>, object, string>
  readonly node?: Resolve<Source<'ResourceEdge'>, object, Source<'Resource'>>
}

export type MonthlyCostResolvers = {
  readonly currency?: Resolve<Source<'MonthlyCost'>, object, string>
  readonly monthly?: Resolve<Source<'MonthlyCost'>, object, string>
}

export type ResourceFileResolvers = {
  readonly digest?: Resolve<Source<'ResourceFile'>, object, string>
  readonly path?: Resolve<Source<'ResourceFile'>, object, string>
}

export type ResourceChangeResolvers = {
  readonly action?: Resolve<Source<'ResourceChange'>, object, Action>
  readonly blueprint?: Resolve<Source<'ResourceChange'>, object, Source<'Blueprint'>>
  readonly commit?: Resolve<Source<'ResourceChange'>, object, string | null>
  readonly cost?: Resolve<Source<'ResourceChange'>, object, Source<'ChangeCost'>>
  readonly createdAt?: Resolve<Source<'ResourceChange'>, object, string>
  readonly parameters?: Resolve<Source<'ResourceChange'>, object, Json | null>
  readonly reason?: Resolve<Source<'ResourceChange'>, object, string>
  readonly request?: Resolve<Source<'ResourceChange'>, object, Source<'Request'> | null>
  readonly requester?: Resolve<Source<'ResourceChange'>, object, string>
  readonly state?: Resolve<Source<'ResourceChange'>, object, RequestState>
}

export type ResourceChangeConnectionResolvers = {
  readonly edges?: Resolve<Source<'ResourceChangeConnection'>, object, readonly (Source<'ResourceChangeEdge'>)[]>
  readonly nodes?: Resolve<Source<'ResourceChangeConnection'>, object, readonly (Source<'ResourceChange'>)[]>
  readonly pageInfo?: Resolve<Source<'ResourceChangeConnection'>, object, Source<'PageInfo'>>
}

export type ResourceChangeEdgeResolvers = {
  readonly cursor?: Resolve<Source<'ResourceChangeEdge'>, object, string>
  readonly node?: Resolve<Source<'ResourceChangeEdge'>, object, Source<'ResourceChange'>>
}

export type ServiceAccountResolvers = {
  readonly createdAt?: Resolve<Source<'ServiceAccount'>, object, string>
  readonly createdBy?: Resolve<Source<'ServiceAccount'>, object, string>
  readonly description?: Resolve<Source<'ServiceAccount'>, object, string>
  readonly name?: Resolve<Source<'ServiceAccount'>, object, string>
  readonly team?: Resolve<Source<'ServiceAccount'>, object, Source<'Team'>>
  readonly tokens?: Resolve<Source<'ServiceAccount'>, { readonly after?: string | null; readonly first?: number | null }, Source<'TokenConnection'> | null>
}

export type ServiceAccountConnectionResolvers = {
  readonly edges?: Resolve<Source<'ServiceAccountConnection'>, object, readonly (Source<'ServiceAccountEdge'>)[]>
  readonly nodes?: Resolve<Source<'ServiceAccountConnection'>, object, readonly (Source<'ServiceAccount'>)[]>
  readonly pageInfo?: Resolve<Source<'ServiceAccountConnection'>, object, Source<'PageInfo'>>
}

export type ServiceAccountEdgeResolvers = {
  readonly cursor?: Resolve<Source<'ServiceAccountEdge'>, object, string>
  readonly node?: Resolve<Source<'ServiceAccountEdge'>, object, Source<'ServiceAccount'>>
}

export type TokenResolvers = {
  readonly createdAt?: Resolve<Source<'Token'>, object, string>
  readonly createdBy?: Resolve<Source<'Token'>, object, string | null>
  readonly expiresAt?: Resolve<Source<'Token'>, object, string | null>
  readonly id?: Resolve<Source<'Token'>, object, string>
  readonly impersonateTeams?: Resolve<Source<'Token'>, object, readonly (string)[]>
  readonly lastUsedAt?: Resolve<Source<'Token'>, object, string | null>
  readonly prefix?: Resolve<Source<'Token'>, object, string | null>
  readonly replacedBy?: Resolve<Source<'Token'>, object, string | null>
  readonly revokedAt?: Resolve<Source<'Token'>, object, string | null>
  readonly scopes?: Resolve<Source<'Token'>, object, readonly (Scope)[]>
  readonly warnings?: Resolve<Source<'Token'>, object, readonly (string)[]>
}

export type TokenConnectionResolvers = {
  readonly edges?: Resolve<Source<'TokenConnection'>, object, readonly (Source<'TokenEdge'>)[]>
  readonly nodes?: Resolve<Source<'TokenConnection'>, object, readonly (Source<'Token'>)[]>
  readonly pageInfo?: Resolve<Source<'TokenConnection'>, object, Source<'PageInfo'>>
}

export type TokenEdgeResolvers = {
  readonly cursor?: Resolve<Source<'TokenEdge'>, object, string>
  readonly node?: Resolve<Source<'TokenEdge'>, object, Source<'Token'>>
}

export type CreatedTokenResolvers = {
  readonly createdAt?: Resolve<Source<'CreatedToken'>, object, string>
  readonly createdBy?: Resolve<Source<'CreatedToken'>, object, string | null>
  readonly expiresAt?: Resolve<Source<'CreatedToken'>, object, string | null>
  readonly id?: Resolve<Source<'CreatedToken'>, object, string>
  readonly impersonateTeams?: Resolve<Source<'CreatedToken'>, object, readonly (string)[]>
  readonly lastUsedAt?: Resolve<Source<'CreatedToken'>, object, string | null>
  readonly prefix?: Resolve<Source<'CreatedToken'>, object, string | null>
  readonly replacedBy?: Resolve<Source<'CreatedToken'>, object, string | null>
  readonly revokedAt?: Resolve<Source<'CreatedToken'>, object, string | null>
  readonly scopes?: Resolve<Source<'CreatedToken'>, object, readonly (Scope)[]>
  readonly token?: Resolve<Source<'CreatedToken'>, object, string>
  readonly warnings?: Resolve<Source<'CreatedToken'>, object, readonly (string)[]>
}

export type CreateServiceAccountPayloadResolvers = {
  readonly serviceAccount?: Resolve<Source<'CreateServiceAccountPayload'>, object, Source<'ServiceAccount'>>
}

export type RetireServiceAccountPayloadResolvers = {
  readonly name?: Resolve<Source<'RetireServiceAccountPayload'>, object, string>
}

export type CreateTokenPayloadResolvers = {
  readonly token?: Resolve<Source<'CreateTokenPayload'>, object, Source<'CreatedToken'>>
}

export type RevokeTokenPayloadResolvers = {
  readonly id?: Resolve<Source<'RevokeTokenPayload'>, object, string>
}

export type ServiceResolvers = {
  readonly apiVersion?: Resolve<Source<'Service'>, object, string>
  readonly dependsOn?: Resolve<Source<'Service'>, object, readonly (string)[] | null>
  readonly id?: Resolve<Source<'Service'>, object, string>
  readonly kind?: Resolve<Source<'Service'>, object, string>
  readonly lifecycle?: Resolve<Source<'Service'>, object, Lifecycle | null>
  readonly metadata?: Resolve<Source<'Service'>, object, Source<'Metadata'> | null>
  readonly name?: Resolve<Source<'Service'>, object, string>
  readonly owner?: Resolve<Source<'Service'>, object, Source<'Team'> | null>
  readonly source?: Resolve<Source<'Service'>, object, string | null>
  readonly spec?: Resolve<Source<'Service'>, object, Json | null>
  readonly system?: Resolve<Source<'Service'>, object, string | null>
  readonly title?: Resolve<Source<'Service'>, object, string | null>
  readonly type?: Resolve<Source<'Service'>, object, string | null>
  readonly versions?: Resolve<Source<'Service'>, { readonly after?: string | null; readonly first?: number | null }, Source<'DocumentVersionConnection'>>
}

export type ServiceConnectionResolvers = {
  readonly edges?: Resolve<Source<'ServiceConnection'>, object, readonly (Source<'ServiceEdge'>)[]>
  readonly nodes?: Resolve<Source<'ServiceConnection'>, object, readonly (Source<'Service'>)[]>
  readonly pageInfo?: Resolve<Source<'ServiceConnection'>, object, Source<'PageInfo'>>
}

export type ServiceEdgeResolvers = {
  readonly cursor?: Resolve<Source<'ServiceEdge'>, object, string>
  readonly node?: Resolve<Source<'ServiceEdge'>, object, Source<'Service'>>
}

export type PutServicePayloadResolvers = {
  readonly service?: Resolve<Source<'PutServicePayload'>, object, Source<'Service'>>
  readonly created?: Resolve<Source<'PutServicePayload'>, object, boolean>
}

export type DeleteServicePayloadResolvers = {
  readonly deletedId?: Resolve<Source<'DeleteServicePayload'>, object, string>
  readonly name?: Resolve<Source<'DeleteServicePayload'>, object, string>
}

export type SubscriptionResolvers = {
  readonly budgetChanged: Resolve<unknown, { readonly after?: string | null; readonly name: string }, AsyncIterable<Source<'BudgetChanged'>>>
  readonly requestChanged: Resolve<unknown, { readonly after?: string | null; readonly id: string }, AsyncIterable<Source<'RequestChanged'>>>
  readonly teamActivity: Resolve<unknown, { readonly after?: string | null; readonly team: string }, AsyncIterable<Source<'TeamActivity'>>>
}

export type BudgetChangedResolvers = {
  readonly budget?: Resolve<Source<'BudgetChanged'>, object, Source<'Budget'>>
  readonly cursor?: Resolve<Source<'BudgetChanged'>, object, string>
  readonly event?: Resolve<Source<'BudgetChanged'>, object, Source<'Event'> | null>
}

export type RequestChangedResolvers = {
  readonly cursor?: Resolve<Source<'RequestChanged'>, object, string>
  readonly event?: Resolve<Source<'RequestChanged'>, object, Source<'Event'> | null>
  readonly request?: Resolve<Source<'RequestChanged'>, object, Source<'Request'>>
}

export type TeamActivityResolvers = {
  readonly cursor?: Resolve<Source<'TeamActivity'>, object, string>
  readonly event?: Resolve<Source<'TeamActivity'>, object, Source<'Event'> | null>
  readonly team?: Resolve<Source<'TeamActivity'>, object, Source<'Team'>>
}

export type TeamResolvers = {
  readonly apiVersion?: Resolve<Source<'Team'>, object, string>
  readonly budgets?: Resolve<Source<'Team'>, { readonly after?: string | null; readonly first?: number | null }, Source<'BudgetConnection'>>
  readonly contact?: Resolve<Source<'Team'>, object, Source<'Contact'> | null>
  readonly costCenter?: Resolve<Source<'Team'>, object, string | null>
  readonly events?: Resolve<Source<'Team'>, { readonly after?: string | null; readonly first?: number | null; readonly type?: string | null }, Source<'EventConnection'>>
  readonly id?: Resolve<Source<'Team'>, object, string>
  readonly kind?: Resolve<Source<'Team'>, object, string>
  readonly members?: Resolve<Source<'Team'>, object, readonly (Source<'Member'>)[] | null>
  readonly metadata?: Resolve<Source<'Team'>, object, Source<'Metadata'> | null>
  readonly name?: Resolve<Source<'Team'>, object, string>
  readonly requests?: Resolve<Source<'Team'>, { readonly after?: string | null; readonly first?: number | null; readonly environment?: string | null; readonly requester?: string | null; readonly state?: RequestState | null }, Source<'RequestConnection'>>
  readonly resources?: Resolve<Source<'Team'>, { readonly after?: string | null; readonly first?: number | null; readonly blueprint?: string | null; readonly environment?: string | null; readonly status?: ResourceStatus | null }, Source<'ResourceConnection'>>
  readonly services?: Resolve<Source<'Team'>, { readonly after?: string | null; readonly first?: number | null }, Source<'ServiceConnection'>>
  readonly spec?: Resolve<Source<'Team'>, object, Json | null>
  readonly title?: Resolve<Source<'Team'>, object, string | null>
  readonly versions?: Resolve<Source<'Team'>, { readonly after?: string | null; readonly first?: number | null }, Source<'DocumentVersionConnection'>>
}

export type TeamConnectionResolvers = {
  readonly edges?: Resolve<Source<'TeamConnection'>, object, readonly (Source<'TeamEdge'>)[]>
  readonly nodes?: Resolve<Source<'TeamConnection'>, object, readonly (Source<'Team'>)[]>
  readonly pageInfo?: Resolve<Source<'TeamConnection'>, object, Source<'PageInfo'>>
  readonly totalCount?: Resolve<Source<'TeamConnection'>, object, number>
}

export type TeamEdgeResolvers = {
  readonly cursor?: Resolve<Source<'TeamEdge'>, object, string>
  readonly node?: Resolve<Source<'TeamEdge'>, object, Source<'Team'>>
}

export type PutTeamPayloadResolvers = {
  readonly team?: Resolve<Source<'PutTeamPayload'>, object, Source<'Team'>>
  readonly created?: Resolve<Source<'PutTeamPayload'>, object, boolean>
}

export type DeleteTeamPayloadResolvers = {
  readonly deletedId?: Resolve<Source<'DeleteTeamPayload'>, object, string>
  readonly name?: Resolve<Source<'DeleteTeamPayload'>, object, string>
}

export type ContactResolvers = {
  readonly email?: Resolve<Source<'Contact'>, object, string | null>
  readonly slack?: Resolve<Source<'Contact'>, object, string | null>
}

export type MemberResolvers = {
  readonly group?: Resolve<Source<'Member'>, object, string | null>
  readonly role?: Resolve<Source<'Member'>, object, TeamRole>
  readonly user?: Resolve<Source<'Member'>, object, string | null>
}

export type TrustResolvers = {
  readonly apiVersion?: Resolve<Source<'Trust'>, object, string>
  readonly audience?: Resolve<Source<'Trust'>, object, string | null>
  readonly id?: Resolve<Source<'Trust'>, object, string>
  readonly issuer?: Resolve<Source<'Trust'>, object, string | null>
  readonly kind?: Resolve<Source<'Trust'>, object, string>
  readonly metadata?: Resolve<Source<'Trust'>, object, Source<'Metadata'> | null>
  readonly name?: Resolve<Source<'Trust'>, object, string>
  readonly serviceAccount?: Resolve<Source<'Trust'>, object, string | null>
  readonly spec?: Resolve<Source<'Trust'>, object, Json | null>
  readonly title?: Resolve<Source<'Trust'>, object, string | null>
  readonly versions?: Resolve<Source<'Trust'>, { readonly after?: string | null; readonly first?: number | null }, Source<'DocumentVersionConnection'>>
  readonly when?: Resolve<Source<'Trust'>, object, string | null>
}

export type TrustConnectionResolvers = {
  readonly edges?: Resolve<Source<'TrustConnection'>, object, readonly (Source<'TrustEdge'>)[]>
  readonly nodes?: Resolve<Source<'TrustConnection'>, object, readonly (Source<'Trust'>)[]>
  readonly pageInfo?: Resolve<Source<'TrustConnection'>, object, Source<'PageInfo'>>
}

export type TrustEdgeResolvers = {
  readonly cursor?: Resolve<Source<'TrustEdge'>, object, string>
  readonly node?: Resolve<Source<'TrustEdge'>, object, Source<'Trust'>>
}

export type PutTrustPayloadResolvers = {
  readonly trust?: Resolve<Source<'PutTrustPayload'>, object, Source<'Trust'>>
  readonly created?: Resolve<Source<'PutTrustPayload'>, object, boolean>
}

export type DeleteTrustPayloadResolvers = {
  readonly deletedId?: Resolve<Source<'DeleteTrustPayload'>, object, string>
  readonly name?: Resolve<Source<'DeleteTrustPayload'>, object, string>
}

/** Every field of Query, Mutation and Subscription has one; of other types those that are not simply read from the source. */
export type Resolvers = {
  readonly Blueprint?: BlueprintResolvers
  readonly BlueprintConnection?: BlueprintConnectionResolvers
  readonly BlueprintEdge?: BlueprintEdgeResolvers
  readonly PutBlueprintPayload?: PutBlueprintPayloadResolvers
  readonly DeleteBlueprintPayload?: DeleteBlueprintPayloadResolvers
  readonly Budget?: BudgetResolvers
  readonly BudgetConnection?: BudgetConnectionResolvers
  readonly BudgetEdge?: BudgetEdgeResolvers
  readonly PutBudgetPayload?: PutBudgetPayloadResolvers
  readonly DeleteBudgetPayload?: DeleteBudgetPayloadResolvers
  readonly BudgetStatus?: BudgetStatusResolvers
  readonly LedgerEntry?: LedgerEntryResolvers
  readonly LedgerEntryConnection?: LedgerEntryConnectionResolvers
  readonly LedgerEntryEdge?: LedgerEntryEdgeResolvers
  readonly ApplyPayload?: ApplyPayloadResolvers
  readonly ApplyResult?: ApplyResultResolvers
  readonly DocumentWarning?: DocumentWarningResolvers
  readonly Metadata?: MetadataResolvers
  readonly Link?: LinkResolvers
  readonly DocumentVersion?: DocumentVersionResolvers
  readonly VersionMetadata?: VersionMetadataResolvers
  readonly DocumentVersionConnection?: DocumentVersionConnectionResolvers
  readonly DocumentVersionEdge?: DocumentVersionEdgeResolvers
  readonly Environment?: EnvironmentResolvers
  readonly EnvironmentConnection?: EnvironmentConnectionResolvers
  readonly EnvironmentEdge?: EnvironmentEdgeResolvers
  readonly PutEnvironmentPayload?: PutEnvironmentPayloadResolvers
  readonly DeleteEnvironmentPayload?: DeleteEnvironmentPayloadResolvers
  readonly Event?: EventResolvers
  readonly EventConnection?: EventConnectionResolvers
  readonly EventEdge?: EventEdgeResolvers
  readonly Branch?: BranchResolvers
  readonly Verification?: VerificationResolvers
  readonly VerificationProblem?: VerificationProblemResolvers
  readonly AcceptBranchPayload?: AcceptBranchPayloadResolvers
  readonly ImportBlueprintsPayload?: ImportBlueprintsPayloadResolvers
  readonly ImportResult?: ImportResultResolvers
  readonly ImportSource?: ImportSourceResolvers
  readonly ImportDifference?: ImportDifferenceResolvers
  readonly ImportWarning?: ImportWarningResolvers
  readonly AddSchemasPayload?: AddSchemasPayloadResolvers
  readonly SchemaResult?: SchemaResultResolvers
  readonly ServedKind?: ServedKindResolvers
  readonly DeleteSchemaPayload?: DeleteSchemaPayloadResolvers
  readonly KnownKind?: KnownKindResolvers
  readonly KnownKindWithSchema?: KnownKindWithSchemaResolvers
  readonly KnownKindConnection?: KnownKindConnectionResolvers
  readonly KnownKindEdge?: KnownKindEdgeResolvers
  readonly Permissions?: PermissionsResolvers
  readonly Permission?: PermissionResolvers
  readonly Me?: MeResolvers
  readonly Credential?: CredentialResolvers
  readonly TeamRoleOfMe?: TeamRoleOfMeResolvers
  readonly PageInfo?: PageInfoResolvers
  readonly Query: QueryResolvers
  readonly Mutation: MutationResolvers
  readonly PlanRequestPayload?: PlanRequestPayloadResolvers
  readonly Plan?: PlanResolvers
  readonly RequestPlan?: RequestPlanResolvers
  readonly PlanFile?: PlanFileResolvers
  readonly Change?: ChangeResolvers
  readonly ChangedResource?: ChangedResourceResolvers
  readonly ChangeCost?: ChangeCostResolvers
  readonly CostDelta?: CostDeltaResolvers
  readonly Decision?: DecisionResolvers
  readonly Violation?: ViolationResolvers
  readonly Warning?: WarningResolvers
  readonly AppliedRule?: AppliedRuleResolvers
  readonly RequiredApproval?: RequiredApprovalResolvers
  readonly Approvers?: ApproversResolvers
  readonly BudgetSnapshot?: BudgetSnapshotResolvers
  readonly Policy?: PolicyResolvers
  readonly PolicyConnection?: PolicyConnectionResolvers
  readonly PolicyEdge?: PolicyEdgeResolvers
  readonly PutPolicyPayload?: PutPolicyPayloadResolvers
  readonly DeletePolicyPayload?: DeletePolicyPayloadResolvers
  readonly Problem?: ProblemResolvers
  readonly FieldError?: FieldErrorResolvers
  readonly Shortfall?: ShortfallResolvers
  readonly Request?: RequestResolvers
  readonly RequestConnection?: RequestConnectionResolvers
  readonly RequestEdge?: RequestEdgeResolvers
  readonly Actor?: ActorResolvers
  readonly Approval?: ApprovalResolvers
  readonly Delivery?: DeliveryResolvers
  readonly Hold?: HoldResolvers
  readonly SubmitRequestPayload?: SubmitRequestPayloadResolvers
  readonly ApproveRequestPayload?: ApproveRequestPayloadResolvers
  readonly RejectRequestPayload?: RejectRequestPayloadResolvers
  readonly CancelRequestPayload?: CancelRequestPayloadResolvers
  readonly RetryRequestPayload?: RetryRequestPayloadResolvers
  readonly Resource?: ResourceResolvers
  readonly ResourceConnection?: ResourceConnectionResolvers
  readonly ResourceEdge?: ResourceEdgeResolvers
  readonly MonthlyCost?: MonthlyCostResolvers
  readonly ResourceFile?: ResourceFileResolvers
  readonly ResourceChange?: ResourceChangeResolvers
  readonly ResourceChangeConnection?: ResourceChangeConnectionResolvers
  readonly ResourceChangeEdge?: ResourceChangeEdgeResolvers
  readonly ServiceAccount?: ServiceAccountResolvers
  readonly ServiceAccountConnection?: ServiceAccountConnectionResolvers
  readonly ServiceAccountEdge?: ServiceAccountEdgeResolvers
  readonly Token?: TokenResolvers
  readonly TokenConnection?: TokenConnectionResolvers
  readonly TokenEdge?: TokenEdgeResolvers
  readonly CreatedToken?: CreatedTokenResolvers
  readonly CreateServiceAccountPayload?: CreateServiceAccountPayloadResolvers
  readonly RetireServiceAccountPayload?: RetireServiceAccountPayloadResolvers
  readonly CreateTokenPayload?: CreateTokenPayloadResolvers
  readonly RevokeTokenPayload?: RevokeTokenPayloadResolvers
  readonly Service?: ServiceResolvers
  readonly ServiceConnection?: ServiceConnectionResolvers
  readonly ServiceEdge?: ServiceEdgeResolvers
  readonly PutServicePayload?: PutServicePayloadResolvers
  readonly DeleteServicePayload?: DeleteServicePayloadResolvers
  readonly Subscription: SubscriptionResolvers
  readonly BudgetChanged?: BudgetChangedResolvers
  readonly RequestChanged?: RequestChangedResolvers
  readonly TeamActivity?: TeamActivityResolvers
  readonly Team?: TeamResolvers
  readonly TeamConnection?: TeamConnectionResolvers
  readonly TeamEdge?: TeamEdgeResolvers
  readonly PutTeamPayload?: PutTeamPayloadResolvers
  readonly DeleteTeamPayload?: DeleteTeamPayloadResolvers
  readonly Contact?: ContactResolvers
  readonly Member?: MemberResolvers
  readonly Trust?: TrustResolvers
  readonly TrustConnection?: TrustConnectionResolvers
  readonly TrustEdge?: TrustEdgeResolvers
  readonly PutTrustPayload?: PutTrustPayloadResolvers
  readonly DeleteTrustPayload?: DeleteTrustPayloadResolvers
}
