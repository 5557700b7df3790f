import { GraphQLEnumType, type GraphQLSchema } from 'graphql'
import { requestStates } from '../../core/request.ts'
import { scopes } from '../../operations/caller.ts'

/** REST's word for each value of each enum: what operations take and answer. In the schema they are upper-case. */
export const enumWords = {
  Action: ['create', 'update', 'delete'],
  ApplyOutcome: ['created', 'changed', 'unchanged'],
  ApprovalSource: ['policy', 'environment'],
  Awaiting: ['me'],
  KindScope: ['Namespaced', 'Cluster'],
  BranchState: ['ok', 'refuses', 'unreachable', 'history-rewritten'],
  CredentialKind: ['oidc', 'api-token', 'purser-token'],
  HoldKind: ['history-rewritten', 'branch-refuses', 'unreachable'],
  LedgerEntryKind: ['opening', 'reserve', 'capture', 'release'],
  Lifecycle: ['experimental', 'production', 'deprecated'],
  ImportOutcome: ['created', 'changed', 'unchanged', 'refused'],
  Measure: ['cost', 'count'],
  Outcome: ['allowed', 'requires_approval', 'denied'],
  PlatformRole: ['administrator', 'auditor'],
  PrincipalKind: ['person', 'service-account', 'system'],
  RequestState: requestStates,
  ResourceStatus: ['provisioning', 'ready', 'degraded', 'deleting', 'deleted', 'unknown'],
  Scope: scopes,
  TeamRole: ['viewer', 'developer', 'approver', 'owner'],
  Vote: ['approve', 'reject'],
} as const

/** `service-account` → `SERVICE_ACCOUNT`. */
export function enumName(word: string): string {
  return word.toUpperCase().replaceAll(/[-:]/g, '_')
}

/** Makes REST's words what the values of enums stand for inside. Throws where schema and words differ. */
export function speakWords(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!(type instanceof GraphQLEnumType) || type.name.startsWith('__')) continue
    const words = new Map(
      Object.entries<readonly string[]>(enumWords).flatMap(([name, all]) =>
        name === type.name ? all.map((word) => [enumName(word), word]) : [],
      ),
    )
    const values = type.getValues()
    if (words.size !== values.length) throw new Error(`enum ${type.name} has other values than its words`)
    for (const value of values) {
      const word = words.get(value.name)
      if (word === undefined) throw new Error(`${type.name}.${value.name} has no word`)
      value.value = word
    }
  }
}
