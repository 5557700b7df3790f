import { createClient, type Asked, type PurserProblem, type Schemas } from '../../src/client/client.ts'

/**
 * Nothing here is run: it is what a compiler says of the client that is the guarantee. A line that is said to be wrong and is not
 * does not compile either.
 */
export async function typed(): Promise<void> {
  const purser = createClient({ url: 'http://127.0.0.1:8080', token: 'psr_…' })

  const body: Schemas['RequestInput'] = {
    team: 'payments',
    environment: 'prod',
    changes: [
      { action: 'create', blueprint: 'postgres', name: 'orders-db', parameters: { size: 'm' } },
      { action: 'delete', name: 'old-db' },
    ],
  }
  const plan = await purser.planRequest({ body })
  const request: Schemas['Request'] = await purser.submitRequest({ body: { ...body, planDigest: plan.plan.digest } })
  const { items, pageInfo } = await purser.listRequests({ query: { team: 'payments', state: 'queued', awaiting: 'me' } })
  const cursor: string | null = pageInfo.endCursor
  await purser.listRequests()
  const diff: string = await purser.readRequestDiff({ path: { id: request.id } })
  const gone: undefined = await purser.deleteTeamDocument({ path: { name: 'payments' } })
  await purser.applyDocuments({ body: 'kind: Team', query: { dryRun: true } })
  const done = await purser.as('alice@example.com').waitFor(request, { until: 'settled', timeoutMs: 1_000 })
  for await (const event of purser.follow(done.id)) cursorOf(event.cursor, event.type)
  const { data, response } = await purser.http.GET('/v1/budgets/{name}', { params: { path: { name: 'payments' } } })
  const limit: string | number | undefined = data?.spec.limit

  // @ts-expect-error A request takes a team.
  await purser.submitRequest({ body: { environment: 'prod', changes: [] } })
  // @ts-expect-error A body is needed.
  await purser.submitRequest()
  // @ts-expect-error There is no such state.
  await purser.listRequests({ query: { state: 'done' } })
  // @ts-expect-error One request has an id.
  await purser.readRequest({})
  // @ts-expect-error A read has no body.
  await purser.readRequest({ path: { id: request.id }, body })
  // @ts-expect-error Documents are no request: an operation that takes no YAML takes no text.
  await purser.planRequest({ body: 'team: payments' })
  // @ts-expect-error There is no such operation.
  await purser.deleteEverything()
  // @ts-expect-error A change is one of three.
  body.changes.push({ action: 'rename', name: 'orders-db' })
  // @ts-expect-error Money is text, since a number would round it.
  const rounded: number = request.cost.monthlyDelta
  // @ts-expect-error A stream is followed, not read.
  await purser.followTeamEvents({ path: { name: 'payments' } })

  cursorOf(cursor ?? '', diff, gone, limit, response.status, rounded, items.length)
}

/** `switch` over codes is over all of them. */
export function wayOut({ code }: Pick<PurserProblem, 'code'>): string {
  if (code === 'budget-exceeded' || code === 'policy-denied') return 'ask for less'
  // @ts-expect-error There is no such code.
  if (code === 'no-money') return 'never'
  return 'look at its page'
}

export const vote: Asked<'approveRequest'> = { path: { id: 'req_…' }, body: { planDigest: 'sha256:…' } }

function cursorOf(...values: readonly unknown[]): void {
  values.forEach(() => undefined)
}
