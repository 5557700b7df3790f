import { listEventsOfThings, listHistories, listRequestsOfResources } from '../../../operations/list-children.ts'
import { plainQuery, resourceQuery } from '../../../operations/list-queries.ts'
import { listResources } from '../../../operations/read-resources.ts'
import { connectionOf, edgesOf } from '../connection.ts'
import type { QueryResolvers, Resolvers } from '../generated/types.ts'
import { readList } from '../judge.ts'
import { Refusal } from '../refusal.ts'

export const resourceQueries: Pick<QueryResolvers, 'resource' | 'resources'> = {
  async resource(_, { id }, graph) {
    const resource = await graph.load.resource(id)
    if (resource === null) throw new Refusal({ code: 'not-found' })
    return resource
  },
  async resources(_, args, { context, caller }) {
    const { filter, page } = readList(resourceQuery, args)
    return connectionOf(await listResources(context, caller, filter, page), page)
  },
}

export const resourceTypes: Pick<Resolvers, 'Resource' | 'ResourceChange' | 'ResourceConnection' | 'ResourceChangeConnection'> = {
  Resource: {
    team: ({ team }) => ({ name: team }),
    environment: ({ environment }) => ({ name: environment }),
    lastRequest: ({ lastRequest }, _, { load }) => load.request(lastRequest),
    async requests({ id }, args, { context, caller, load }) {
      const { page } = readList(plainQuery, args)
      const read = (ids: readonly string[]) => listRequestsOfResources(context, caller, ids, page)
      return connectionOf(await load.page('Resource.requests', id, page, read), page)
    },
    async history({ id }, args, { context, caller, load }) {
      const { page } = readList(plainQuery, args)
      const read = (ids: readonly string[]) => listHistories(context, caller, ids, page)
      return connectionOf(await load.page('Resource.history', id, page, read), page)
    },
    async events({ id }, args, { context, caller, load }) {
      const { page } = readList(plainQuery, args)
      const read = (ids: readonly string[]) => listEventsOfThings(context, caller, 'resource', ids, page)
      return connectionOf(await load.page('Resource.events', id, page, read), page)
    },
  },
  ResourceChange: {
    request: ({ request }, _, { load }) => load.request(request),
  },
  ResourceConnection: { edges: edgesOf },
  ResourceChangeConnection: { edges: edgesOf },
}
