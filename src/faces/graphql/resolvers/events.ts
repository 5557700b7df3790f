import { eventQuery } from '../../../operations/list-queries.ts'
import { listEvents } from '../../../operations/read-events.ts'
import { connectionOf, edgesOf } from '../connection.ts'
import type { QueryResolvers, Resolvers } from '../generated/types.ts'
import { readList } from '../judge.ts'

export const eventQueries: Pick<QueryResolvers, 'events'> = {
  async events(_, args, { context, caller }) {
    const { filter, page } = readList(eventQuery, args)
    return connectionOf(await listEvents(context, caller, filter, page), page)
  },
}

export const eventTypes: Pick<Resolvers, 'Event' | 'EventConnection'> = {
  Event: { team: ({ team }) => (team === null ? null : { name: team }) },
  EventConnection: { edges: edgesOf },
}
