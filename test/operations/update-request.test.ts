import { describe, expect, test } from 'vitest'
import { planRequest } from '../../src/operations/plan-request.ts'
import { approveRequest } from '../../src/operations/decide-request.ts'
import { readRequestDiff, readRequestFiles } from '../../src/operations/read-request-files.ts'
import { readRequest } from '../../src/operations/read-requests.ts'
import { listResourceHistory, listResources, readResource } from '../../src/operations/read-resources.ts'
import { submitRequest } from '../../src/operations/submit-request.ts'
import { waitForRequest } from '../../src/operations/wait-for-request.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { claim, commitAll, failClaimed } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, outcomeOf, remove, update, type Change } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { textOf } from '../support/text-of.ts'

const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
const { context } = house
const { pool } = context.database
const vase = (version: string, colour: string, lifecycle = 'production') => `
apiVersion: purser.dev/v1
kind: Blueprint
metadata: { name: vase }
spec:
  version: ${version}
  lifecycle: ${lifecycle}
  parameters:
    type: object
    properties: { height: { type: integer, default: 10, minimum: 1, maximum: 99 }, colour: { type: string, default: ${colour} }, tags: { type: object, additionalProperties: { type: string } } }
  price: { monthly: '0.5 * double(parameters.height)' }
  manifests:
    - { apiVersion: v1, kind: ConfigMap, metadata: { name: '\${resource.name}', namespace: '\${environment.namespace}' }, data: { colour: '\${parameters.colour}' } }
    - { apiVersion: v1, kind: Secret, metadata: { name: '\${resource.name}', namespace: '\${environment.namespace}' }, stringData: { version: '${version}' } }`
await house.apply(
  [boxes, vase('1.0.0', 'white'), vase('2.0.0', 'black'), budget('red', "{ scope: { team: red }, limit: '5000.00' }")].join('\n---\n'),
)
const [ann, ove] = [await house.person('ann@example.com'), await house.person('ove@example.com')]
const page = { first: 50, after: null }

async function committed(changes: readonly Change[], environment = 'lab'): Promise<string> {
  const id = idOf(await ask(house, ann, changes, { environment }))
  await commitAll(pool)
  return id
}

async function resourceOf(name: string, status?: 'deleted'): Promise<JsonObject> {
  const list = await listResources(context, ann, status === undefined ? {} : { status }, page)
  const found = list.ok ? list.value.items.find((item) => item['name'] === name) : undefined
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

const patch = (name: string, parameters: JsonObject, more: { blueprint?: string } = {}): Change => ({
  action: 'update',
  name,
  parameters,
  ...more,
})
const made = (name: string, parameters: JsonObject, blueprint = 'vase@1.0.0'): Change => ({ action: 'create', name, blueprint, parameters })

describe('an update', () => {
  test('is a merge patch on what is in effect: null removes, and then defaults count again', async () => {
    await committed([made('a', { height: 20, colour: 'red', tags: { one: '1', two: '2' } })])

    await committed([patch('a', { colour: null, tags: { two: null, three: '3' } })])

    expect(await resourceOf('a')).toMatchObject({
      parameters: { height: 20, colour: 'white', tags: { one: '1', three: '3' } },
      cost: { monthly: '10.00', currency: 'EUR' },
      blueprint: { name: 'vase', version: '1.0.0' },
    })
  })

  test('changes the files whose bytes change, and no other', async () => {
    const id = idOf(await ask(house, ann, [patch('a', { colour: 'green' })]))

    const files = await readRequestFiles(context, ann, id)
    expect(files).toMatchObject({ ok: true, value: [{ path: 'lab/red/x/a/00-configmap-a.yaml', operation: 'update' }] })
    const diff = await readRequestDiff(context, ann, id)
    expect(diff.ok ? diff.value.split('\n').filter((line) => /^[-+] /.test(line) && line.includes('colour')) : []).toEqual([
      '-  colour: white',
      '+  colour: green',
    ])
    await commitAll(pool)
  })

  test('moves to another version when it names it, and to no other blueprint', async () => {
    await committed([made('b', { height: 4 })])
    expect(await resourceOf('b')).toMatchObject({ parameters: { colour: 'white' } })

    await committed([patch('b', {}, { blueprint: 'vase@2.0.0' })])

    // What was a default before is in effect now, and stays.
    expect(await resourceOf('b')).toMatchObject({
      blueprint: { name: 'vase', version: '2.0.0' },
      parameters: { height: 4, colour: 'white' },
    })
    expect((await ask(house, ann, [patch('b', {}, { blueprint: 'box' })])).answer).toMatchObject({
      ok: false,
      problem: { code: 'invalid', errors: [{ pointer: '/changes/0/blueprint' }] },
    })
  })

  test('of what is not there, or not there yet, is refused', async () => {
    const open = await ask(house, ann, [made('c', {})])
    for (const name of ['nothing', 'c'])
      expect((await ask(house, ann, [patch(name, {})])).answer).toMatchObject({
        ok: false,
        problem: { code: 'invalid', errors: [{ pointer: '/changes/0/name' }] },
      })
    expect(outcomeOf(open)).toBe('queued')
    await commitAll(pool)
  })

  test('keeps its history: what was asked, by whom, and what became of it', async () => {
    const history = await listResourceHistory(context, ann, textOf((await resourceOf('a'))['id']), page)

    expect(
      history.ok
        ? history.value.items.map((item) => [item['action'], item['state'], item['requester'], (item['cost'] as { after: string }).after])
        : [],
    ).toEqual([
      ['update', 'committed', 'ann@example.com', '10.00'],
      ['update', 'committed', 'ann@example.com', '10.00'],
      ['create', 'committed', 'ann@example.com', '10.00'],
    ])
  })
})

describe('a delete', () => {
  test('takes every file of its resource, frees its name, and leaves it readable', async () => {
    await committed([made('d', { height: 8 })])
    const before = await resourceOf('d')
    const id = idOf(await ask(house, ann, [remove('d')]))
    expect(await readRequestFiles(context, ann, id)).toMatchObject({
      ok: true,
      value: [
        { path: 'lab/red/x/d/00-configmap-d.yaml', operation: 'delete', digest: null, content: null },
        { path: 'lab/red/x/d/01-secret-d.yaml', operation: 'delete' },
      ],
    })
    await commitAll(pool)

    expect(await readResource(context, ann, textOf(before['id']))).toMatchObject({
      ok: true,
      value: { status: 'deleted', files: [], lastRequest: id },
    })
    await expect(resourceOf('d')).rejects.toThrow()
    expect(await resourceOf('d', 'deleted')).toMatchObject({ id: before['id'] })
    await committed([made('d', {})])
    expect((await resourceOf('d'))['id']).not.toBe(before['id'])
  })

  test('in an environment that says so waits for whoever it names', async () => {
    await committed([made('safe', {})], 'vault')
    const id = idOf(await ask(house, ann, [remove('safe')], { environment: 'vault' }))
    const waiting = await readRequest(context, ann, id)
    expect(waiting).toMatchObject({
      ok: true,
      value: {
        state: 'pending_approval',
        decision: { approvals: [{ source: 'environment', approvers: { team: 'red', role: 'owner' }, required: 1 }] },
      },
    })

    const planDigest = waiting.ok ? (waiting.value['plan'] as { digest: string }).digest : ''
    expect(await approveRequest(context, ove, id, { planDigest })).toMatchObject({ ok: true, value: { state: 'queued' } })
    await commitAll(pool)
    expect(await resourceOf('safe', 'deleted')).toMatchObject({ environment: 'vault' })
  })
})

describe('several changes in one request', () => {
  test('are planned, paid for and committed together', async () => {
    await committed([create('e1', 10), create('e2', 20)])
    const before = await purse.counters('red')
    const id = await committed([update('e1', 15), remove('e2'), create('e3', 5)])

    expect([await resourceOf('e1'), await resourceOf('e2', 'deleted'), await resourceOf('e3')]).toMatchObject([
      { lastRequest: id, parameters: { units: 15 } },
      { lastRequest: id },
      { lastRequest: id },
    ])
    expect(Number.parseInt(await purse.counters('red')) - Number.parseInt(before)).toBe(-1000)
    expect(
      await purse.query(
        'select count(distinct commit_sha)::int as commits from request where id in (select request_id from request_change where name in ($1, $2, $3))',
        ['e1', 'e2', 'e3'],
      ),
    ).toEqual([{ commits: 2 }])
  })

  test.each([
    ['a name that is taken', [create('f1', 1), create('e1', 1)], 'resource-exists'],
    ['a resource that has an open request', [create('f2', 1), create('busy', 1)], 'resource-busy'],
    ['a parameter that is wrong', [create('f3', 1), create('f4', -1)], 'invalid-parameters'],
    ['what policy denies', [create('f5', 1), create('f6', 13)], 'policy-denied'],
    ['what no budget holds', [create('f7', 1), create('f8', 99_999)], 'budget-exceeded'],
    ['a resource that is not there', [create('f9', 1), update('nothing', 1)], 'invalid'],
    ['one name twice', [create('f10', 1), create('f10', 1)], 'invalid'],
  ])('come to nothing together for %s', async (_, changes, code) => {
    await ask(house, ann, [create('busy', 1)])
    const before = await purse.counters('red')

    expect(outcomeOf(await ask(house, ann, changes))).toBe(code)

    expect(await purse.counters('red')).toBe(before)
    expect(await purse.query("select name from resource where name like 'f%' and name <> 'free'")).toEqual([])
    expect(await purse.query("select name from object_claim where name like 'f%'")).toEqual([])
  })

  test('that fail leave nothing behind, and their money is free', async () => {
    await commitAll(pool)
    const before = await purse.counters('red')
    const id = idOf(await ask(house, ann, [update('e1', 99), create('g1', 10), remove('e3')]))
    await claim(pool)

    expect(await failClaimed(pool, id)).toBe(true)

    expect(await readRequest(context, ann, id)).toMatchObject({
      ok: true,
      value: { state: 'failed', delivery: null, problem: { code: 'delivery-refused', status: 409 } },
    })
    expect([await resourceOf('e1'), await resourceOf('e3')]).toMatchObject([{ parameters: { units: 15 } }, { parameters: { units: 5 } }])
    await expect(resourceOf('g1')).rejects.toThrow()
    expect(await purse.counters('red')).toBe(before)
    expect(outcomeOf(await ask(house, ann, [update('e1', 16), create('g1', 1), remove('e3')]))).toBe('queued')
  })
})

describe('what is said about the future', () => {
  test('a time to live is kept with the resource, and only one that can be understood', async () => {
    await committed([{ action: 'create', blueprint: 'box', name: 'h', parameters: { units: 1 }, ttl: 'P14D' }])

    expect(await resourceOf('h')).toMatchObject({ ttl: 'P14D' })
    await committed([update('h', 2)])
    expect(await resourceOf('h')).toMatchObject({ ttl: 'P14D' })
    for (const ttl of ['P1M', 'P0D', '14 days'])
      expect(
        (await ask(house, ann, [{ action: 'create', blueprint: 'box', name: 'i', parameters: { units: 1 }, ttl }])).answer,
      ).toMatchObject({ ok: false, problem: { code: 'invalid', errors: [{ pointer: '/changes/0/ttl' }] } })
  })

  test('a plan is the same as long as nothing changes, and a request for it is refused once it is another', async () => {
    const input = { team: 'red', environment: 'lab', changes: [update('h', 3)] }
    const digestOf = async () => {
      const plan = await planRequest(context, ann, input)
      return plan.ok ? (plan.value['plan'] as { digest: string }).digest : ''
    }
    const planned = await digestOf()
    expect([await digestOf(), planned]).toEqual([planned, expect.stringMatching(/^sha256:[0-9a-f]{64}$/)])

    await committed([update('h', 4)])
    const before = await purse.query('select from request')
    const submitted = await submitRequest(context, ann, { ...input, planDigest: planned }, null)

    expect(submitted.answer).toEqual({ ok: false, problem: { code: 'plan-changed', expected: planned, planDigest: await digestOf() } })
    expect(await purse.query('select from request')).toHaveLength(before.length)
    const again = await submitRequest(context, ann, { ...input, planDigest: await digestOf() }, null)
    expect(outcomeOf(again)).toBe('queued')
    await commitAll(pool)
  })

  test('an answer is repeated for its key as it was at admission, whatever became of the request', async () => {
    const first = await ask(house, ann, [create('j', 1)], { key: 'once' })
    await commitAll(pool)

    const again = await ask(house, ann, [create('j', 1)], { key: 'once' })

    expect(again).toEqual({ ...first, replayed: true })
    const denied = await ask(house, ann, [create('k', 13)], { key: 'denied' })
    expect(await ask(house, ann, [create('k', 13)], { key: 'denied' })).toEqual({ ...denied, replayed: true })
    expect(outcomeOf(await ask(house, ann, [create('l', -1)], { key: 'wrong' }))).toBe('invalid-parameters')
    expect(outcomeOf(await ask(house, ann, [create('l', 1)], { key: 'wrong' }))).toBe('queued')
  })

  test('who waits for a request is told when it leaves the queue', async () => {
    const id = idOf(await ask(house, ann, [create('m', 1)]))
    const waiting = waitForRequest(context, ann, id, 20, new AbortController().signal)
    await commitAll(pool)

    expect(await waiting).toMatchObject({ ok: true, value: { state: 'committed' } })
  })
})
