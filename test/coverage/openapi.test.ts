import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isObject, type JsonObject } from '../../src/core/json.ts'
import { problems } from '../../src/core/problem.ts'
import { emitYaml } from '../../src/core/yaml.ts'
import { setBranchState } from '../../src/store/deliveries.ts'
import { outcomeOf, textAt, type Answer, type AskOptions } from '../support/api.ts'
import { commitAll, theBranch } from '../support/delivery.ts'
import { openServer } from '../support/server.ts'

/**
 * Every body that OpenAPI shows as an example is sent, in the order of a story that makes it possible, on the platform that
 * comes with Purser; and gets the status that OpenAPI promises. (The client of these tests holds each answer against its
 * schema.)
 */

const { api, app, house } = await openServer()
const { pool } = house.context.database
const root = join(import.meta.dirname, '../..')
const files = (await readdir(join(root, 'examples/platform'))).toSorted()
await house.apply((await Promise.all(files.map((file) => readFile(join(root, 'examples/platform', file), 'utf8')))).join('\n---\n'))

const alice: AskOptions = { as: 'alice@example.com' }
const bob: AskOptions = { as: 'bob@example.com' }

type Shown = { readonly operation: string; readonly promised: readonly string[]; readonly examples: readonly JsonObject[] }

const description: object = app.swagger()
const shown = new Map(examplesOf(description).map((each) => [each.operation, each]))
const sent = new Map<string, Set<number>>()

function examplesOf(api: object): readonly Shown[] {
  return Object.entries(membersOf(api, 'paths')).flatMap(([route, methods]) =>
    Object.entries(isObject(methods) ? methods : {}).flatMap(([verb, operation]): Shown[] => {
      const content = membersOf(membersOf(operation, 'requestBody'), 'content')
      const form = membersOf(content, content['application/json'] === undefined ? 'application/x-www-form-urlencoded' : 'application/json')
      const reference = membersOf(form, 'schema')['$ref']
      if (typeof reference !== 'string') return []
      const schema = membersOf(membersOf(membersOf(api, 'components'), 'schemas'), reference.split('/').at(-1) ?? '')
      const examples = Array.isArray(schema['examples']) ? (schema['examples'] as JsonObject[]) : [] // They are JSON.
      const promised = Object.keys(membersOf(operation, 'responses')).filter((status) => status.startsWith('2'))
      return [{ operation: `${verb.toUpperCase()} ${route}`, promised, examples }]
    }),
  )
}

function membersOf(value: unknown, name: string): Record<string, unknown> {
  const members = isObject(value) ? value[name] : undefined
  return isObject(members) ? members : {}
}

/** Sends an example, to the path with `id`; the rest of what a story knows and an example cannot is in `more`. */
async function send(
  operation: string,
  index: number,
  { id = '', more = {}, options }: { id?: string; more?: JsonObject; options?: AskOptions } = {},
): Promise<Answer> {
  const { examples = [], promised = [] } = shown.get(operation) ?? {}
  const [method = '', route = ''] = operation.split(' ')
  const answer = await api(method, route.replace(/\{\w+\}/, id), { ...examples[index], ...more }, options)
  expect({ operation, promised, status: answer.status, text: answer.text }).toEqual({
    operation,
    promised: expect.arrayContaining([String(answer.status)]),
    status: answer.status,
    text: answer.text,
  })
  sent.set(operation, (sent.get(operation) ?? new Set()).add(index))
  return answer
}

const kinds = ['teams', 'environments', 'blueprints', 'policies', 'budgets', 'services', 'trusts']

function nameOf(example: JsonObject | undefined): string {
  return String(membersOf(example, 'metadata')['name'])
}

test.each(kinds)('the example of %s can be put, as JSON and as YAML, and answered as both', async (path) => {
  const operation = `PUT /v1/${path}/{name}`
  const [example] = shown.get(operation)?.examples ?? []
  const name = nameOf(example)
  // What a Trust names has to be there.
  if (path === 'trusts') await api('POST', '/v1/service-accounts', { name: 'orders-ci', team: 'payments' })

  const put = await send(operation, 0, { id: name })
  const again = await api('PUT', `/v1/${path}/${name}`, emitYaml(example ?? {}), { headers: { accept: 'application/yaml' } })

  expect(again).toMatchObject({ status: 200, body: put.body })
  expect(again.headers.get('content-type')).toBe('application/yaml')
  expect(put.headers.get('etag')).toBe(again.headers.get('etag'))
})

test('the example of apply can be applied', async () => {
  const answer = await send('POST /v1/apply', 0)

  expect(answer.body['results']).toMatchObject([{ outcome: 'unchanged' }, { outcome: 'unchanged' }])
})

test('the example of an import is imported', async () => {
  const answer = await send('POST /v1/blueprints/import', 0)

  expect(answer.body['results']).toMatchObject([{ blueprint: 'database', outcome: 'created', reasons: [] }])
})

test('the example of schemas is added', async () => {
  const answer = await send('POST /v1/schemas', 0)

  expect(answer.body['results']).toMatchObject([{ outcome: 'created', reasons: [] }])
})

test('what the examples ask for is planned, asked for, approved, and moves on', async () => {
  const planned = await send('POST /v1/plans', 0, { options: alice })
  const asked = await send('POST /v1/requests', 0, { options: alice })
  const approved = await send('POST /v1/requests/{id}/approve', 0, {
    id: textAt(asked, 'id'),
    more: { planDigest: textAt(planned, 'plan.digest') },
    options: bob,
  })
  await api('POST', '/v1/requests', cache, alice)
  await commitAll(pool)
  await send('POST /v1/plans', 1, { options: alice })
  const later = await send('POST /v1/requests', 1, { options: alice })
  const rejected = await send('POST /v1/requests/{id}/reject', 0, { id: textAt(later, 'id'), options: bob })

  expect([planned, asked, approved, later, rejected].map(outcomeOf)).toEqual([
    '200',
    '202 pending_approval',
    '200 queued',
    '202 pending_approval',
    '200 rejected',
  ])
})

/** What the second example takes away. */
const cache: JsonObject = {
  team: 'payments',
  environment: 'prod',
  changes: [{ action: 'create', blueprint: 'postgres', name: 'orders-cache', parameters: {} }],
}

test('the example of accepting a branch accepts it', async () => {
  await setBranchState(pool, await theBranch(pool), 'history-rewritten', 'somebody pushed by force')

  expect(await send('POST /v1/gitops/branches/accept', 0)).toMatchObject({ body: { state: 'ok' } })
})

test('the examples of a service account and its tokens make them', async () => {
  const made = await send('POST /v1/service-accounts', 0)
  const first = await send('POST /v1/service-accounts/{name}/tokens', 0, { id: textAt(made, 'name') })
  const next = await send('POST /v1/service-accounts/{name}/tokens', 1, {
    id: textAt(made, 'name'),
    more: { replaces: textAt(first, 'id') },
  })

  expect([made, first, next].map(outcomeOf)).toEqual(['201', '201', '201'])
})

test('the example of an exchange is understood: what is missing here is a key to sign with', async () => {
  const operation = 'POST /v1/token'
  const [example] = shown.get(operation)?.examples ?? []
  const form = new URLSearchParams(example as Record<string, string>).toString()

  const answer = await api('POST', '/v1/token', form, { token: null, headers: { 'content-type': 'application/x-www-form-urlencoded' } })

  expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
  sent.set(operation, new Set([0]))
})

test('every operation that takes a body shows one, and every example was sent', () => {
  const expected = [...shown.values()].flatMap(({ operation, examples }) => examples.map((_, index) => `${operation} ${index}`))
  const bodies = Object.entries(membersOf(description, 'paths')).flatMap(([route, methods]) =>
    Object.entries(isObject(methods) ? methods : {})
      .filter(([, operation]) => 'requestBody' in Object(operation))
      .map(([verb]) => `${verb.toUpperCase()} ${route}`),
  )

  expect([...shown.keys()].toSorted()).toEqual(bodies.toSorted())
  expect([...shown.values()].filter(({ examples }) => examples.length === 0)).toEqual([])
  expect([...sent].flatMap(([operation, indexes]) => [...indexes].map((index) => `${operation} ${index}`)).toSorted()).toEqual(
    expected.toSorted(),
  )
})

test('every code of a problem that OpenAPI knows has its page', () => {
  const codes = membersOf(
    membersOf(membersOf(membersOf(membersOf(description, 'components'), 'schemas'), 'Problem'), 'properties'),
    'code',
  )['enum']

  expect(codes).toEqual(Object.keys(problems))
  for (const code of Object.keys(problems)) expect(existsSync(join(root, 'docs/problems', `${code}.md`)), code).toBe(true)
})
