import { renderDiff } from '../../../core/diff.ts'
import type { JsonObject } from '../../../core/json.ts'
import { listEventsOfThings } from '../../../operations/list-children.ts'
import { plainQuery, requestQuery } from '../../../operations/list-queries.ts'
import { listRequests } from '../../../operations/read-requests.ts'
import { connectionOf, edgesOf } from '../connection.ts'
import type { QueryResolvers, Resolvers } from '../generated/types.ts'
import type { Loaders } from '../loaders.ts'
import { readList } from '../judge.ts'
import { Refusal } from '../refusal.ts'
import { textIn } from '../sources.ts'

export const requestQueries: Pick<QueryResolvers, 'request' | 'requests'> = {
  async request(_, { id }, graph) {
    const request = await graph.load.request(id)
    if (request === null) throw new Refusal({ code: 'not-found' })
    return request
  },
  async requests(_, args, { context, caller }) {
    const { filter, page } = readList(requestQuery, args)
    return connectionOf(await listRequests(context, caller, filter, page), page)
  },
}

export const requestTypes: Pick<
  Resolvers,
  'Request' | 'Plan' | 'RequestPlan' | 'PlanFile' | 'ChangedResource' | 'BudgetSnapshot' | 'RequestConnection'
> = {
  Request: {
    team: ({ team }) => ({ name: team }),
    environment: ({ environment }) => ({ name: environment }),
    retryOf: ({ retryOf }, _, { load }) => (retryOf === null ? null : load.request(retryOf)),
    // Without the name of the request nobody would find the bytes of its files.
    plan: ({ id, plan }) => ({ ...plan, files: filesIn(plan), request: id }),
    async diff({ id }, _, { load }) {
      const files = await load.files(id)
      return files.map((file) => renderDiff(textIn(file, 'path') ?? '', textIn(file, 'previous'), textIn(file, 'content'))).join('')
    },
    async events({ id }, args, { context, caller, load }) {
      const { page } = readList(plainQuery, args)
      const read = (ids: readonly string[]) => listEventsOfThings(context, caller, 'request', ids, page)
      return connectionOf(await load.page('Request.events', id, page, read), page)
    },
  },
  Plan: {
    team: ({ team }) => ({ name: team }),
    environment: ({ environment }) => ({ name: environment }),
    digest: ({ plan }) => plan.digest,
    plan: ({ plan }) => ({ ...plan, files: filesIn(plan), request: null }),
  },
  RequestPlan: {
    files: ({ files, request }) => files.map((file) => ({ ...file, path: textIn(file, 'path') ?? '', request })),
  },
  PlanFile: {
    content: (file, _, { load }) => (file.request === null ? textIn(file, 'content') : bytesOf(load, file.request, file.path, 'content')),
    previous: (file, _, { load }) => (file.request === null ? null : bytesOf(load, file.request, file.path, 'previous')),
  },
  ChangedResource: {
    resource: ({ id }, _, { load }) => (id === null ? null : load.resource(id)),
  },
  BudgetSnapshot: {
    async budget({ name }, _, { load }) {
      const shown = await load.document('Budget', name)
      return shown === null ? null : { name, shown }
    },
  },
  RequestConnection: { edges: edgesOf },
}

function filesIn({ files }: JsonObject): readonly JsonObject[] {
  return Array.isArray(files) ? (files as readonly JsonObject[]) : [] // As a plan has them.
}

async function bytesOf(load: Loaders, request: string, path: string, member: 'content' | 'previous'): Promise<string | null> {
  const files = await load.files(request)
  return textIn(
    files.find((file) => file['path'] === path),
    member,
  )
}
