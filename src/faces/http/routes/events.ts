import type { Context } from '../../../operations/context.ts'
import { listEvents } from '../../../operations/read-events.ts'
import { sendPage } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import type { HttpApp } from '../http-app.ts'
import { operation } from '../operation.ts'
import { readPaging } from '../paging.ts'
import { eventPage, eventQuery } from '../schemas/event.ts'

export function eventRoutes(app: HttpApp, context: Context): void {
  const schema = {
    ...operation({
      id: 'listEvents',
      tag: 'Events',
      summary: 'List events',
      description: 'The audit log of the caller’s teams, oldest first. Who goes on from the last cursor misses nothing.',
      answers: { 200: { description: 'A page of events.', schema: eventPage } },
    }),
    querystring: eventQuery,
  }
  app.get('/events', { schema }, async (request, reply) => {
    const { filter, page } = readPaging(request.query)
    return sendPage(request, reply, await listEvents(context, callerOf(request), filter, page))
  })
}
