import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { currentTraceparent, parseTraceparent } from '../../src/operations/tracing.ts'
import { openHttpHouse } from '../faces/http-house.ts'
import { boxes } from '../support/house.ts'
import { recordSpans, type Seen } from '../support/spans.ts'
import { openYard } from '../support/yard.ts'

const { house, ask } = await openHttpHouse()
await house.apply(boxes)
const yard = await openYard(house)
afterAll(() => yard.stage.close())

const body = (name: string) => ({
  team: 'red',
  environment: yard.environment,
  reason: 'a trace',
  changes: [{ action: 'create', blueprint: 'box', name, parameters: { units: 1 } }],
})
const submit = (name: string, headers: Record<string, string> = {}) =>
  ask({ method: 'POST', url: '/v1/requests', as: 'ann@example.com', headers, payload: body(name) })
const stored = async () =>
  (
    await house.context.database.pool.query<{ traceparent: string | null }>(
      `select body->>'traceparent' as traceparent from request order by id`,
    )
  ).rows.map((row) => row.traceparent)

test('without an SDK nothing is recorded, and nothing is kept', async () => {
  expect((await submit('plain')).statusCode).toBe(202)
  expect(currentTraceparent()).toBeNull()
  expect(await stored()).toEqual([null])
  await yard.deliver()
})

describe('with an SDK', () => {
  const spans: Seen[] = []
  let stop: () => void = () => undefined
  beforeAll(() => {
    stop = recordSpans(spans)
  })
  beforeEach(() => void spans.splice(0))
  afterAll(() => stop())
  const caller = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' }

  test('one trace leads from the caller over the answer to the commit, whichever push it leaves with', async () => {
    const first = await submit('one', { traceparent: `00-${caller.trace}-${caller.span}-01` })
    const second = await submit('two')
    await yard.deliver()
    const named = (name: string) => spans.filter((span) => span.name === name)

    const [answer, other] = named('POST /v1/requests')
    expect(answer).toMatchObject({
      context: { traceId: caller.trace },
      parent: { spanId: caller.span },
      attributes: { 'http.route': '/v1/requests', 'http.response.status_code': 202, 'purser.request_id': first.headers['x-request-id'] },
      failed: false,
    })
    expect(other?.context.traceId).not.toBe(caller.trace)
    for (const step of ['purser plan', 'purser admit'])
      expect(named(step).map((span) => span.parent?.spanId)).toEqual([answer?.context.spanId, other?.context.spanId])

    const [push, ...more] = named('purser push')
    expect(more).toEqual([])
    expect(push?.attributes).toEqual({ 'purser.branch': 'main', 'purser.requests': 2 })
    expect(push?.links.map((link) => link.context.spanId)).toEqual([answer?.context.spanId, other?.context.spanId])
    expect(named('purser commit')).toMatchObject(
      [answer, other].map((origin, i) => ({
        context: { traceId: origin?.context.traceId },
        parent: { spanId: origin?.context.spanId },
        attributes: { 'purser.request': (i === 0 ? first : second).json().id, 'purser.outcome': 'accepted' },
        links: [{ context: { spanId: push?.context.spanId } }],
        failed: false,
      })),
    )

    // What it is for is nobody's business who reads the request.
    expect((await ask({ url: `/v1/requests/${first.json().id}`, as: 'ann@example.com' })).body).not.toContain(caller.trace)
  })

  test('a commit that the repository refuses is a failed span in the trace of its request', async () => {
    await submit('three')
    yard.stage.hook('pre-receive', 'exit 1')
    await yard.deliver()

    expect(spans.filter((span) => span.name === 'purser commit').map((span) => [span.attributes['purser.outcome'], span.failed])).toEqual([
      ['refused', true],
    ])
  })

  test('a refusal that was foreseen is no failure, and probes are no spans', async () => {
    await ask({ url: '/v1/requests/nonsense', as: 'ann@example.com' })
    await ask({ url: '/readyz' })

    expect(spans.map((span) => [span.name, span.attributes['http.response.status_code'], span.failed])).toEqual([
      ['GET /v1/requests/:id', 404, false],
    ])
  })
})

test.each([
  '',
  'nonsense',
  '00-00000000000000000000000000000000-b7ad6b7169203331-01',
  `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n`,
])('what is no trace context is none: %j', (text) => expect(parseTraceparent(text)).toBeNull())
