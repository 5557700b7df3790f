import { addSchemas } from '../../../operations/add-schemas.ts'
import { schemaQuery } from '../../../operations/list-queries.ts'
import { deleteSchema, listSchemas, readSchema } from '../../../operations/read-schemas.ts'
import { schemaAddition } from '../../../operations/schema-input.ts'
import { connectionOf, edgesOf } from '../connection.ts'
import type { MutationResolvers, QueryResolvers, Resolvers } from '../generated/types.ts'
import { judge, readList, withoutNulls } from '../judge.ts'
import { unwrap } from '../refusal.ts'
import type { Source } from '../sources.ts'

export const kindSchemaQueries: Pick<QueryResolvers, 'schema' | 'schemas'> = {
  schema: async (_, which, { context, caller }) => unwrap(await readSchema(context, caller, which)),
  async schemas(_, args, { context, caller }) {
    const { filter, page } = readList(schemaQuery, args)
    return connectionOf(await listSchemas(context, caller, filter, page), page)
  },
}

export const kindSchemaMutations: Pick<MutationResolvers, 'addSchemas' | 'deleteSchema'> = {
  async addSchemas(_, { input: { dryRun, ...input } }, { context, caller }) {
    const asked = judge(schemaAddition, withoutNulls(input))
    const done = unwrap(await addSchemas(context, caller, { ...asked, dryRun: dryRun ?? false }))
    return { results: done['results'] as unknown as Source<'SchemaResult'>[] } // As the operation presents them.
  },
  async deleteSchema(_, { input }, { context, caller }) {
    unwrap(await deleteSchema(context, caller, input))
    return { kind: input.kind }
  },
}

export const kindSchemaTypes: Pick<Resolvers, 'KnownKindConnection'> = { KnownKindConnection: { edges: edgesOf } }
