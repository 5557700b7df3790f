import { buildSchema, GraphQLInterfaceType, GraphQLObjectType, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql'
import { speakWords } from './enum-words.ts'
import type { GraphContext } from './graph-context.ts'
import { sdl } from './generated/sdl.ts'
import type { MutationResolvers, Resolvers } from './generated/types.ts'
import { documentMutations } from './resolvers/documents.ts'
import { eventQueries, eventTypes } from './resolvers/events.ts'
import { documentQueries, documentTypes } from './resolvers/kinds.ts'
import { kindSchemaMutations, kindSchemaQueries, kindSchemaTypes } from './resolvers/kind-schemas.ts'
import { nodeQueries, typeOfNode } from './resolvers/node.ts'
import { platformQueries, platformTypes } from './resolvers/platform.ts'
import { importMutations } from './resolvers/import-mutations.ts'
import { requestMutations } from './resolvers/request-mutations.ts'
import { requestQueries, requestTypes } from './resolvers/requests.ts'
import { resourceQueries, resourceTypes } from './resolvers/resources.ts'
import { serviceAccountMutations, serviceAccountQueries, serviceAccountTypes } from './resolvers/service-accounts.ts'
import { subscriptions, subscriptionTypes } from './resolvers/subscriptions.ts'
import { speakJson } from './scalars.ts'

/** Complete by its types: a field of Query, Mutation or Subscription without a resolver does not compile. */
const resolvers: Resolvers = {
  Query: {
    ...nodeQueries,
    ...platformQueries,
    ...requestQueries,
    ...resourceQueries,
    ...eventQueries,
    ...serviceAccountQueries,
    ...kindSchemaQueries,
    ...documentQueries,
  },
  Mutation: forgetting({
    ...requestMutations,
    ...importMutations,
    ...kindSchemaMutations,
    ...serviceAccountMutations,
    ...documentMutations,
  }),
  Subscription: subscriptions,
  ...subscriptionTypes,
  ...requestTypes,
  ...resourceTypes,
  ...eventTypes,
  ...documentTypes,
  ...platformTypes,
  ...serviceAccountTypes,
  ...kindSchemaTypes,
}

/** The schema with what answers its fields; what none is said for is read from the source under its own name. */
export function makeSchema(): GraphQLSchema {
  // A test validates it; at every start that would take as long as making it.
  const schema = buildSchema(sdl, { assumeValid: true, assumeValidSDL: true, noLocation: true })
  speakWords(schema)
  speakJson(schema)
  for (const [name, fields] of Object.entries(resolvers)) {
    const type = schema.getType(name)
    if (!(type instanceof GraphQLObjectType)) throw new Error(`${name} is no type of the schema`)
    const known = type.getFields()
    for (const [field, resolve] of Object.entries(fields)) {
      const found = known[field]
      if (found === undefined) throw new Error(`${name} has no field ${field}`)
      const checked = resolve as GraphQLFieldResolver<unknown, GraphContext> // Against the schema, by their generated types.
      if (type !== schema.getSubscriptionType()) found.resolve = checked
      else {
        found.subscribe = checked
        // Of what it answers, each is the value of the field in turn.
        found.resolve = (answered) => answered
      }
    }
  }
  const node = schema.getType('Node')
  if (!(node instanceof GraphQLInterfaceType)) throw new Error('the schema has no interface Node')
  node.resolveType = typeOfNode
  return schema
}

/** What was read before a mutation may be otherwise after it. */
function forgetting(mutations: MutationResolvers): MutationResolvers {
  const wrapped = Object.entries(mutations).map(([name, resolve]) => [
    name,
    async (source: unknown, args: never, graph: GraphContext): Promise<unknown> => {
      graph.load.forget()
      return (resolve as (source: unknown, args: never, graph: GraphContext) => unknown)(source, args, graph)
    },
  ])
  return Object.fromEntries(wrapped) as MutationResolvers // The same names, each with the same type.
}
