import type { Context } from '../../../operations/context.ts'
import { eventQuery } from '../../../operations/list-queries.ts'
import { listEvents } from '../../../operations/read-events.ts'
import { onlyForm, sendPage } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import { eventStream, sendEvents } from '../event-stream.ts'
import type { HttpApp } from '../http-app.ts'
import { operation } from '../operation.ts'
import { readPaging } from '../paging.ts'
import { eventPage } from '../schemas/event.ts'
import { eventStreamText, streamHeaders, streamQuery } from '../schemas/event-stream.ts'
import { namePath } from '../schemas/path.ts'

export function eventRoutes(app: HttpApp, context: Context, stopping: AbortSignal): void {
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

  const stream = {
    ...operation({
      id: 'followTeamEvents',
      tag: 'Events',
      summary: 'Follow the events of a team',
      description:
        'Whatever happens in the team from now on, or from a cursor on, as it happens. Who comes back with the last `id` misses nothing. A stream of events, whatever Accept says.',
      headers: streamHeaders,
      answers: { 200: { description: 'The events.', schema: eventStreamText, types: [eventStream] } },
      refuses: ['not-found'],
      onlyForm: true,
    }),
    params: namePath,
    querystring: streamQuery,
  }
  app.get('/teams/:name/events', { schema: stream, config: { offers: onlyForm } }, async (request, reply) => {
    const { page } = readPaging(request.query)
    return sendEvents(context, request, reply, { topic: { kind: 'team', name: request.params.name }, after: page.after, stopping })
  })
}
