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

export const requestTypes: Pick<Resolvers, 'Request' | 'Plan' | 'PlanFile' | 'ChangedResource' | 'BudgetSnapshot' | 'RequestConnection'> = {
  Request: {
    team: ({ team }) => ({ name: team }),
    environment: ({ environment }) => ({ name: environment }),
    retryOf: ({ retryOf }, _, { load }) => (retryOf === null ? null : load.request(retryOf)),
    plan({ id, plan }) {
      if (!requestOf.has(plan)) for (const part of [plan, ...filesIn(plan)]) requestOf.set(part, id)
      return plan
    },
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
  },
  PlanFile: {
    content: (file, _, { load }) => bytesOf(load, file, 'content'),
    previous: (file, _, { load }) => bytesOf(load, file, 'previous'),
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

/** Whose plan it is, and whose file: what a request shows of them is the same object each time, and does not say. */
const requestOf = new WeakMap<object, string>()

function filesIn({ files }: JsonObject): readonly JsonObject[] {
  return Array.isArray(files) ? (files as readonly JsonObject[]) : [] // As a plan has them.
}

/** The bytes of a file as they are stored; of a plan that nobody asked for yet, as it says. */
async function bytesOf(load: Loaders, file: JsonObject, member: 'content' | 'previous'): Promise<string | null> {
  const request = requestOf.get(file)
  if (request === undefined) return textIn(file, member)
  const files = await load.files(request)
  return textIn(
    files.find(({ path }) => path === file['path']),
    member,
  )
}
