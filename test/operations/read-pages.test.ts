import { describe, expect, test } from 'vitest'
import type { Result } from '../../src/core/result.ts'
import type { Page, PageInput } from '../../src/operations/page.ts'
import { listBudgetLedger } from '../../src/operations/read-budgets.ts'
import { listDocuments, listDocumentVersions } from '../../src/operations/read-documents.ts'
import { listEvents } from '../../src/operations/read-events.ts'
import { listRequests, type RequestsQuery } from '../../src/operations/read-requests.ts'
import { listResourceHistory, listResources } from '../../src/operations/read-resources.ts'
import { commitAll } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, remove, update } from '../support/house.ts'
import { textOf } from '../support/text-of.ts'

/** Seven of everything, read three a page. */
const house = await openHouse()
const { context } = house
await house.apply([boxes, budget('red', "{ scope: { team: red }, limit: '90000.00' }")].join('\n---\n'))
const [ann, amy, bob] = [
  await house.person('ann@example.com'),
  await house.person('amy@example.com'),
  await house.person('bob@example.com'),
]
const service = (name: string, title: string, owner = 'red') =>
  `{ apiVersion: purser.dev/v1, kind: Service, metadata: { name: ${name}, title: ${title} }, spec: { owner: ${owner} } }`

const ids: string[] = []
for (let i = 0; i < 7; i++) {
  ids.push(idOf(await ask(house, ann, [i === 0 ? create('x0', 1) : update('x0', 1 + i)])))
  await house.apply(service(`s${i}`, 'One'))
  await house.apply(service('versions', `v${i}`, 'blue'))
  await commitAll(context.database.pool)
}
for (let i = 1; i < 7; i++) idOf(await ask(house, ann, [create(`x${i}`, 1)]))
await commitAll(context.database.pool)
const resources = await listResources(context, ann, {}, { first: 50, after: null })
const x0 = resources.ok ? textOf(resources.value.items.find((item) => item['name'] === 'x0')?.['id']) : ''

type List = (page: PageInput) => Promise<Result<Page>>

async function pageOf(list: List, page: PageInput): Promise<Page> {
  const read = await list(page)
  if (!read.ok) throw new Error(JSON.stringify(read.problem))
  return read.value
}

/** Every item, `between` pages something else happens. */
async function walk(
  list: List,
  between: () => Promise<void> = async () => undefined,
): Promise<{ readonly sizes: readonly number[]; readonly items: Page['items'] }> {
  const items: Page['items'][number][] = []
  const sizes: number[] = []
  for (let after: string | null = null; ;) {
    const { items: some, pageInfo }: Page = await pageOf(list, { first: 3, after })
    items.push(...some)
    sizes.push(some.length)
    if (!pageInfo.hasNextPage) return { sizes, items }
    after = pageInfo.endCursor
    await between()
  }
}

let serial = 0
async function more(): Promise<void> {
  serial++
  idOf(await ask(house, ann, [create(`more${serial}`, 1)]))
  await house.apply(`${service(`a${serial}`, 'Before')}\n---\n${service('versions', `more${serial}`, 'blue')}`)
}

const lists: readonly (readonly [string, List])[] = [
  ['requests', (page) => listRequests(context, ann, {}, page)],
  ['resources', (page) => listResources(context, ann, {}, page)],
  ['the history of a resource', (page) => listResourceHistory(context, ann, x0, page)],
  ['documents', (page) => listDocuments(context, ann, 'Service', { owner: 'red' }, page)],
  ['the versions of a document', (page) => listDocumentVersions(context, ann, 'Service', 'versions', page)],
  ['the ledger of a budget', (page) => listBudgetLedger(context, ann, 'red', page)],
  ['events', (page) => listEvents(context, ann, {}, page)],
]

describe('a list read page by page', () => {
  test.each(lists)('has everything once, in the order of the whole: %s', async (_, list) => {
    const whole = await pageOf(list, { first: 200, after: null })
    const { sizes, items } = await walk(list)

    expect(items).toEqual(whole.items)
    expect(sizes.length).toBeGreaterThanOrEqual(3)
    expect(sizes.slice(0, -1).every((size) => size === 3)).toBe(true)
    expect(whole.pageInfo.hasNextPage).toBe(false)
  })

  test.each(lists)('misses nothing that was there and repeats nothing, while more comes in: %s', async (_, list) => {
    const before = (await pageOf(list, { first: 200, after: null })).items.map((item) => JSON.stringify(item))
    let rounds = 0
    const { items } = await walk(list, async () => {
      if (rounds++ < 3) await more()
    })

    const seen = items.map((item) => JSON.stringify(item))
    expect(seen.filter((item) => before.includes(item))).toEqual(before)
    expect(new Set(seen).size).toBe(seen.length)
  })

  test.each(lists)('refuses a cursor that it did not give: %s', async (_, list) => {
    for (const after of ['nonsense', '', Buffer.from("' or 1=1").toString('base64url')]) {
      expect(await list({ first: 3, after })).toMatchObject({
        ok: false,
        problem: { code: 'invalid', errors: [{ pointer: '/query/after' }] },
      })
    }
  })

  test('ends with the page that its last item is on', async () => {
    const { pageInfo } = await pageOf((page) => listRequests(context, ann, { resource: 'x0' }, page), { first: 7, after: null })

    expect(pageInfo).toEqual({ endCursor: expect.any(String), hasNextPage: false })
    expect(await pageOf((page) => listRequests(context, ann, { resource: 'x0' }, page), { first: 3, after: pageInfo.endCursor })).toEqual({
      items: [],
      pageInfo: { endCursor: null, hasNextPage: false },
    })
  })
})

describe('requests are found by', () => {
  const found = async (query: RequestsQuery) =>
    (
      await pageOf((page) => listRequests(context, query.awaiting === 'me' ? bob : ann, query, page), { first: 200, after: null })
    ).items.map((item) => textOf(item['id']))

  test('the resource that they are about, by its name or id, newest first', async () => {
    expect(await found({ resource: 'x0' })).toEqual([...ids].reverse())
    expect(await found({ resource: x0 })).toEqual([...ids].reverse())
    expect(await found({ resource: 'x0', state: 'queued' })).toEqual([])
  })

  test('who asked, where, and in which state they are', async () => {
    const mine = idOf(await ask(house, amy, [create('amy', 1)], { environment: 'vault' }))
    await commitAll(context.database.pool)
    const gone = idOf(await ask(house, amy, [create('gone', 500)]))

    expect(await found({ requester: 'amy@example.com' })).toEqual([gone, mine])
    expect(await found({ requester: 'nobody@example.com' })).toEqual([])
    expect(await found({ environment: 'vault' })).toEqual([mine])
    expect(await found({ state: 'pending_approval' })).toEqual([gone])
    expect(await found({ state: 'pending_approval', environment: 'vault' })).toEqual([])
    expect(await found({ team: 'blue' })).toEqual([])
    expect(await found({ awaiting: 'me' })).toEqual([gone])
  })

  test('resources by environment, blueprint and status', async () => {
    const names = async (query: Parameters<typeof listResources>[2]) =>
      (await pageOf((page) => listResources(context, ann, query, page), { first: 200, after: null })).items.map((item) =>
        textOf(item['name']),
      )
    idOf(await ask(house, ann, [remove('x6')]))
    await commitAll(context.database.pool)

    expect(await names({ environment: 'vault' })).toEqual(['amy'])
    expect(await names({ status: 'deleted' })).toEqual(['x6'])
    expect(await names({ status: 'provisioning' })).toEqual(['gone'])
    expect(await names({ blueprint: 'vase' })).toEqual([])
    expect(await names({})).not.toContain('x6')
  })
})
