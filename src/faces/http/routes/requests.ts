import type { Context } from '../../../operations/context.ts'
import { plainQuery, requestQuery } from '../../../operations/list-queries.ts'
import { listRequestEvents } from '../../../operations/read-events.ts'
import { readRequestDiff, readRequestFiles } from '../../../operations/read-request-files.ts'
import { listRequests, readRequest } from '../../../operations/read-requests.ts'
import { onlyForm, sendPage, sendText, sendThing, sendValue } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import { eventStream, sendEvents } from '../event-stream.ts'
import type { HttpApp } from '../http-app.ts'
import { operation, thing } from '../operation.ts'
import { readPaging } from '../paging.ts'
import { eventPage } from '../schemas/event.ts'
import { eventStreamText, streamHeaders } from '../schemas/event-stream.ts'
import { idPath } from '../schemas/path.ts'
import { diffText, requestFiles, requestPage, requestSchema } from '../schemas/request.ts'

export function requestRoutes(app: HttpApp, context: Context, stopping: AbortSignal): void {
  const list = {
    ...operation({
      id: 'listRequests',
      tag: 'Requests',
      summary: 'List requests',
      description:
        'Newest first: those of the caller’s teams. `awaiting=me` finds those that wait for the caller’s vote, in whatever team.',
      answers: { 200: { description: 'A page of requests.', schema: requestPage } },
    }),
    querystring: requestQuery,
  }
  app.get('/requests', { schema: list }, async (request, reply) => {
    const { filter, page } = readPaging(request.query)
    return sendPage(request, reply, await listRequests(context, callerOf(request), filter, page))
  })

  const read = {
    ...operation({
      id: 'readRequest',
      tag: 'Requests',
      summary: 'Read a request',
      description: 'What was asked for, what policy said, who decided, and the commit.',
      ...thing({ description: 'The request.', schema: requestSchema }),
      refuses: ['not-found'],
    }),
    params: idPath('req'),
  }
  app.get('/requests/:id', { schema: read }, async (request, reply) =>
    sendThing(request, reply, await readRequest(context, callerOf(request), request.params.id)),
  )

  const files = {
    ...operation({
      id: 'readRequestFiles',
      tag: 'Requests',
      summary: 'Read the files of a request',
      description: 'What its commit writes and removes, byte for byte, and what was there.',
      answers: { 200: { description: 'The files by path.', schema: requestFiles } },
      refuses: ['not-found'],
    }),
    params: idPath('req'),
  }
  app.get('/requests/:id/files', { schema: files }, async (request, reply) =>
    sendValue(request, reply, await readRequestFiles(context, callerOf(request), request.params.id)),
  )

  const diff = {
    ...operation({
      id: 'readRequestDiff',
      tag: 'Requests',
      summary: 'Read a request as a diff',
      description: 'Its files as `git diff` would show them. Text, whatever Accept says.',
      answers: { 200: { description: 'A unified diff.', schema: diffText, types: ['text/plain'] } },
      refuses: ['not-found'],
      onlyForm: true,
    }),
    params: idPath('req'),
  }
  app.get('/requests/:id/diff', { schema: diff, config: { offers: onlyForm } }, async (request, reply) =>
    sendText(reply, await readRequestDiff(context, callerOf(request), request.params.id)),
  )

  const events = {
    ...operation({
      id: 'listRequestEvents',
      tag: 'Requests',
      summary: 'List the events of a request',
      description:
        'What happened to it, oldest first: a page, or with `Accept: text/event-stream` all of it and then whatever comes, as it happens.',
      headers: streamHeaders,
      answers: {
        200: { description: 'A page of events, or a stream of them.', schema: eventPage, also: { [eventStream]: eventStreamText } },
      },
      refuses: ['not-found'],
    }),
    params: idPath('req'),
    querystring: plainQuery,
  }
  app.get('/requests/:id/events', { schema: events, config: { offers: ['application/json', eventStream] } }, async (request, reply) => {
    const { id } = request.params
    const { page } = readPaging(request.query)
    if (request.format === eventStream)
      return sendEvents(context, request, reply, { topic: { kind: 'request', id }, after: page.after, stopping })
    return sendPage(request, reply, await listRequestEvents(context, callerOf(request), id, page))
  })
}
