import { describe, expect, test } from 'vitest'
import { at, itemsOf, outcomeOf, textAt, type Answer } from '../support/api.ts'
import { commitAll } from '../support/delivery.ts'
import { ann, asking, box, document, openJourney, tally, times } from '../support/journey.ts'

/** HTTP itself, as somebody sees it who knows the contract alone, over real connections. */

const { api, newTeam, submit, url, token, house } = await openJourney()
const { pool } = house.context.database

describe('waiting', () => {
  test('with Prefer: wait the answer comes with the commit', async () => {
    const team = await newTeam()
    await commitAll(pool)
    const answer = submit(asking(team, box('a', 1)), { ...ann, headers: { prefer: 'respond-async, wait=20' } })

    await expect.poll(() => commitAll(pool), { timeout: 10_000 }).toHaveLength(1)

    expect(outcomeOf(await answer)).toBe('202 committed')
    expect((await answer).headers.get('preference-applied')).toBe('wait=20')
    expect(textAt(await answer, 'delivery.commit')).toMatch(/^[0-9a-f]{40}$/)
  })

  test('what does not wait for its commit is answered at once', async () => {
    const team = await newTeam()

    const answer = await submit(asking(team, box('a', 600)), { ...ann, headers: { prefer: 'wait=30' } })

    expect(outcomeOf(answer)).toBe('202 pending_approval')
  })
})

describe('documents', () => {
  test('of writers that saw the same revision one writes', async () => {
    const team = await newTeam()
    const seen = await api('GET', `/v1/budgets/${team}`)
    const tag = seen.headers.get('etag') ?? ''

    const answers = await times(8, (i) =>
      api('PUT', `/v1/budgets/${team}`, document('Budget', team, { scope: { team }, limit: `${i + 1}.00` }), {
        headers: { 'if-match': tag },
      }),
    )

    expect(tally(answers)).toEqual({ '200': 1, '412 precondition-failed': 7 })
    const now = await api('GET', `/v1/budgets/${team}`, undefined, { headers: { 'if-none-match': tag } })
    expect(now.status).toBe(200)
    const same = await api('GET', `/v1/budgets/${team}`, undefined, { headers: { 'if-none-match': now.headers.get('etag') ?? '' } })
    expect([same.status, same.text]).toEqual([304, ''])
  })

  test('what is answered as YAML can be put again as it is, and changes nothing', async () => {
    const yaml = { headers: { accept: 'application/yaml' } }
    for (const path of ['policies/boxes', 'blueprints/box', 'environments/vault', 'teams/blue']) {
      const read = await api('GET', `/v1/${path}`, undefined, yaml)

      const put = await api('PUT', `/v1/${path}`, read.text, yaml)

      expect([read.status, put.status, put.text]).toEqual([200, 200, read.text])
    }
  })

  test('are applied all or not at all', async () => {
    const team = await newTeam()
    const good = document('Service', `${team}-shop`, { owner: team })
    const bad = document('Budget', `${team}-bad`, { scope: { team: 'nobody' }, limit: '1' })

    const refused = await api('POST', '/v1/apply', { documents: [good, bad] })
    const dry = await api('POST', '/v1/apply?dryRun=true', { documents: [good] })

    expect(outcomeOf(refused)).toBe('422 invalid-document')
    expect(at(refused, 'errors.0.pointer')).toBe('/documents/1/spec/scope/team')
    expect(at(dry, 'results.0.outcome')).toBe('created')
    expect((await api('GET', `/v1/services/${team}-shop`)).status).toBe(404)
  })
})

describe('lists', () => {
  test('are read along their links, newest first, each thing once, while others are added', async () => {
    const team = await newTeam()
    const asked: string[] = []
    for (let i = 0; i < 7; i++) asked.unshift(textAt(await submit(asking(team, box(`a${i}`, 1))), 'id'))

    const read: unknown[] = []
    let next: string | undefined = `/v1/requests?team=${team}&first=3`
    while (next !== undefined) {
      const page: Answer = await api('GET', next, undefined, ann)
      read.push(...itemsOf(page).map((item) => item['id']))
      await submit(asking(team, box(`later${read.length}`, 1)))
      next = /^<([^>]*)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
    }

    expect(read).toEqual(asked)
  })

  test('of events miss none that comes later', async () => {
    const team = await newTeam()
    await submit(asking(team, box('a', 1)))
    const first = await api('GET', `/v1/events?team=${team}`, undefined, ann)
    await submit(asking(team, box('b', 1)))

    const rest = await api('GET', `/v1/events?team=${team}&after=${textAt(first, 'pageInfo.endCursor')}`, undefined, ann)

    expect(itemsOf(rest).map((event) => at({ body: event }, 'type'))).toEqual(['dev.purser.request.submitted.v1'])
  })
})

describe('for people', () => {
  test('plans, requests and refusals have a message that can be posted as it is', async () => {
    const team = await newTeam('500.00')
    const said = async (answer: Promise<Answer>) => textAt(await answer, 'message').replaceAll(team, 'red')

    expect([
      await said(api('POST', '/v1/plans', asking(team, box('a', 2)), ann)),
      await said(api('POST', '/v1/plans', asking(team, box('a', 600)), ann)),
      await said(submit(asking(team, box('a', 2)))),
      await said(submit(asking(team, box('b', 500)))),
      await said(submit(asking(team, box('b', 13)))),
      await said(submit(asking(team, box('b', 'x')))),
      await said(submit({ ...asking(team, box('b', 1)), environment: 'moon' })),
    ]).toEqual([
      'red/lab: create box a (+2.00 EUR a month) would be committed at once.',
      'red/lab: create box a (+600.00 EUR a month) would be denied. Budget red is 100.00 a month short. Ask its owner for a higher limit, or make room by shrinking or deleting something.',
      'red/lab: create box a (+2.00 EUR a month) is accepted and will be committed in a moment.',
      'Budget red is 2.00 a month short. Ask its owner for a higher limit, or make room by shrinking or deleting something.',
      'Thirteen is out (13). Take twelve.',
      '/changes/0/parameters/units: must be a whole number.',
      '/environment: names no environment that there is.',
    ])
  })
})

/** Bytes as they are, so that nothing tidies them up on the way. */
function raw(body: string | Uint8Array, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return api('POST', '/v1/requests', typeof body === 'string' ? Buffer.from(body) : body, {
    ...ann,
    headers: { 'content-type': 'application/json', ...more },
  })
}

describe('what is sent', () => {
  const text = (team: string, parameters: string, name = 'a') =>
    `{"team":"${team}","environment":"lab","changes":[{"action":"create","blueprint":"box","name":"${name}","parameters":${parameters}}]}`
  const nested = (depth: number, inside = '1') => `${'['.repeat(depth)}${inside}${']'.repeat(depth)}`

  test('may be 1 MiB and no byte more', async () => {
    const team = await newTeam()
    const body = text(team, '{"units":1}')

    expect(outcomeOf(await raw(body.padEnd(1024 * 1024)))).toBe('202 queued')
    expect(outcomeOf(await raw(text(team, '{"units":1}', 'b').padEnd(1024 * 1024 + 1)))).toBe('413 too-large')
  })

  test('may have 50 changes and not 51', async () => {
    const team = await newTeam()
    const many = (count: number) => asking(team, ...Array.from({ length: count }, (_, i) => box(`m${i}`, 1)))

    const [one, other] = [await submit(many(51)), await submit(many(50))]

    expect([outcomeOf(one), at(one, 'errors.0.pointer')]).toEqual(['422 invalid', '/changes'])
    expect(outcomeOf(other)).toBe('202 queued')
    expect(at(other, 'changes.length')).toBe(50)
  })

  test.each([
    ['a NUL in a text', '{"units":1,"note":"a\\u0000b"}', '422 invalid', '/changes/0/parameters/note'],
    ['half a surrogate pair', '{"units":1,"note":"\\ud83d"}', '422 invalid', '/changes/0/parameters/note'],
    ['a NUL in a name', '{"units":1,"a\\u0000b":1}', '422 invalid', '/changes/0/parameters/a\ufffdb'],
    ['60 levels', `{"units":1,"note":${nested(58)}}`, '422 invalid-parameters', '/changes/0/parameters/note'],
    ['70 levels', `{"units":1,"note":${nested(70)}}`, '422 invalid', expect.stringMatching(/^\/changes\/0\/parameters\/note(\/0)+$/)],
    ['a hundred thousand levels', `{"units":1,"note":${nested(100_000)}}`, '422 invalid', expect.any(String)],
    ['a parameter called __proto__', '{"units":1,"__proto__":{"units":2}}', '422 invalid-parameters', '/changes/0/parameters/__proto__'],
    [
      'a parameter called constructor',
      '{"units":1,"constructor":{"prototype":{}}}',
      '422 invalid-parameters',
      '/changes/0/parameters/constructor',
    ],
    ['a whole number that is none any more', '{"units":9007199254740993}', '422 invalid-parameters', '/changes/0/parameters/units'],
    ['a number beyond all numbers', '{"units":1e400}', expect.stringMatching(/^422 invalid/), '/changes/0/parameters/units'],
    ['half a unit', '{"units":1.5}', '422 invalid-parameters', '/changes/0/parameters/units'],
    ['a number as text', '{"units":"1"}', '422 invalid-parameters', '/changes/0/parameters/units'],
    ['no parameters', 'null', '422 invalid', '/changes/0/parameters'],
  ])('is refused by its place: %s', async (_, parameters, outcome, pointer) => {
    const answer = await raw(text(await newTeam(), parameters))

    expect([outcomeOf(answer), at(answer, 'errors.0.pointer')]).toEqual([outcome, pointer])
  })

  test.each([
    ['nothing', '', '422 invalid'],
    ['null', 'null', '422 invalid'],
    ['a list', '[]', '422 invalid'],
    ['a text', '"x"', '422 invalid'],
    ['half of something', '{"team":', '400 malformed'],
    ['two things', '{} {}', '400 malformed'],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), '400 malformed'],
    ['members that nobody knows', '{"team":"t1","environment":"lab","changes":[],"__proto__":{"a":1},"x":1}', '422 invalid'],
  ])('is refused where it is %s', async (_, body, outcome) => {
    expect(outcomeOf(await raw(body))).toBe(outcome)
  })

  test('may have members of any name where any are allowed, and they stay what they are', async () => {
    const team = await newTeam()
    const labels = '{"__proto__":"p","constructor":"c","toString":"t"}'

    const answer = await raw(text(team, `{"units":1,"labels":${labels}}`))

    expect(outcomeOf(answer)).toBe('202 queued')
    expect(JSON.stringify(at(answer, 'changes.0.parameters.labels'))).toBe(labels)
    expect(Object.keys({})).toEqual([])
    await commitAll(pool)
    const update = await raw(
      text(team, '{"labels":{"__proto__":null,"constructor":"d"}}').replace('"create","blueprint":"box"', '"update"'),
    )
    expect(at(update, 'changes.0.parameters.labels')).toEqual({ constructor: 'd', toString: 't' })
  })

  test('counts with its last value where a member is there twice, for the answer and for the key alike', async () => {
    const team = await newTeam()

    const first = await raw(text(team, '{"units":13,"units":2}'), { 'idempotency-key': 'double' })
    const again = await raw(text(team, '{"units":2}'), { 'idempotency-key': 'double' })

    expect(at(first, 'changes.0.parameters')).toEqual({ units: 2 })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
  })

  test('is not looked at when its query has something unknown', async () => {
    for (const path of [
      '/v1/requests?teams=t1',
      '/v1/me?x',
      '/v1/budgets?first=0',
      '/v1/budgets?first=201',
      '/v1/events?after=!',
      '/v1/requests?awaiting=you',
    ])
      expect([path, outcomeOf(await api('GET', path))]).toEqual([path, '422 invalid'])
  })
})

describe('headers', () => {
  test('name each answer: by the caller’s id, where it is one', async () => {
    const given = await api('GET', '/v1/me', undefined, { headers: { 'x-request-id': 'ci-4711.a_b' } })
    const strange = await api('GET', '/v1/me', undefined, { headers: { 'x-request-id': 'a b"c' } })
    const refused = await api('GET', '/v1/requests/x', undefined, { headers: { 'x-request-id': 'mine' } })
    const nowhere = await api('GET', '/nowhere')

    expect(given.headers.get('x-request-id')).toBe('ci-4711.a_b')
    expect(strange.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(refused.headers.get('x-request-id')).toBe('mine')
    expect(nowhere.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('allow no other origin anything', async () => {
    for (const [method, path] of [
      ['GET', '/v1/me'],
      ['OPTIONS', '/v1/requests'],
      ['POST', '/v1/requests'],
      ['GET', '/openapi.json'],
      ['GET', '/healthz'],
    ] as const) {
      const response = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${token}`, origin: 'https://evil.example.com', 'access-control-request-method': 'POST' },
      })
      await response.arrayBuffer()
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
    }
  })

  test('of HEAD are those of GET', async () => {
    for (const path of ['/v1/me', '/v1/teams/blue', '/v1/requests?first=1', '/openapi.json', '/healthz']) {
      const [get, head] = [await api('GET', path), await api('HEAD', path)]
      const told = ({ headers }: Answer) =>
        [...headers].filter(([name]) => !['date', 'x-request-id', 'keep-alive', 'connection'].includes(name))

      expect([head.status, head.text, told(head)]).toEqual([get.status, '', told(get)])
    }
  })
})
