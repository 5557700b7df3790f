import type { Context } from '../../../operations/context.ts'
import { plainQuery, resourceQuery } from '../../../operations/list-queries.ts'
import { listResourceHistory, listResources, readResource } from '../../../operations/read-resources.ts'
import { sendPage, sendThing } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import type { HttpApp } from '../http-app.ts'
import { operation, thing } from '../operation.ts'
import { readPaging } from '../paging.ts'
import { idPath } from '../schemas/path.ts'
import { resourceHistoryPage, resourcePage, resourceSchema } from '../schemas/resource.ts'

export function resourceRoutes(app: HttpApp, context: Context): void {
  const list = {
    ...operation({
      id: 'listResources',
      tag: 'Resources',
      summary: 'List resources',
      description: 'Newest first: those of the caller’s teams.',
      answers: { 200: { description: 'A page of resources.', schema: resourcePage } },
    }),
    querystring: resourceQuery,
  }
  app.get('/resources', { schema: list }, async (request, reply) => {
    const { filter, page } = readPaging(request.query)
    return sendPage(request, reply, await listResources(context, callerOf(request), filter, page))
  })

  const read = {
    ...operation({
      id: 'readResource',
      tag: 'Resources',
      summary: 'Read a resource',
      description: 'Its effective parameters, cost, files and the request that changed it last.',
      ...thing({ description: 'The resource.', schema: resourceSchema }),
      refuses: ['not-found'],
    }),
    params: idPath('res'),
  }
  app.get('/resources/:id', { schema: read }, async (request, reply) =>
    sendThing(request, reply, await readResource(context, callerOf(request), request.params.id)),
  )

  const history = {
    ...operation({
      id: 'listResourceHistory',
      tag: 'Resources',
      summary: 'List what was asked about a resource',
      description: 'Newest first, whatever became of it.',
      answers: { 200: { description: 'A page of changes.', schema: resourceHistoryPage } },
      refuses: ['not-found'],
    }),
    params: idPath('res'),
    querystring: plainQuery,
  }
  app.get('/resources/:id/history', { schema: history }, async (request, reply) => {
    const { page } = readPaging(request.query)
    return sendPage(request, reply, await listResourceHistory(context, callerOf(request), request.params.id, page))
  })
}
