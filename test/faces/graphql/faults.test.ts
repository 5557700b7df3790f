import { expect, test } from 'vitest'
import { pino } from 'pino'
import { Fault } from '../../../src/core/fault.ts'
import { graphqlFace } from '../../../src/faces/graphql/plugin.ts'
import { buildApp } from '../../../src/faces/http/app.ts'
import type { Context } from '../../../src/operations/context.ts'
import { boxes } from '../../support/house.ts'
import { openGraphqlHouse } from './graphql-house.ts'

/** What goes wrong around a question, through both faces at the same door. */
const { house, token } = await openGraphqlHouse()
await house.apply(boxes)

type Broken = {
  readonly context?: Partial<Context>
  readonly rateLimit?: number
  readonly introspection?: boolean
  readonly milliseconds?: number
}

async function door({ context = {}, rateLimit = 0, introspection = true, milliseconds }: Broken) {
  const log: string[] = []
  const all = { ...house.context, ...context }
  const app = await buildApp({
    context: all,
    log: pino({ level: 'warn' }, { write: (line: string) => void log.push(line) }),
    rateLimit,
    stopping: new AbortController().signal,
    beside: (guarded, host) =>
      graphqlFace(guarded, host, { context: all, history: null, introspection, ...(milliseconds === undefined ? {} : { milliseconds }) }),
  })
  const headers = { authorization: `Bearer ${token}` }
  return {
    log,
    close: () => app.close(),
    rest: () => app.inject({ url: '/v1/requests', headers }),
    graphql: (query: string) => app.inject({ method: 'POST', url: '/graphql', headers, payload: { query } }),
  }
}

type Answered = {
  readonly data?: unknown
  readonly errors: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[]
}

const broken = (error: Error): Broken => ({ context: { platform: () => Promise.reject(error) } })

test.each([
  ['a bug', broken(new Error('secret of the house')), 500, 'internal'],
  ['a dependency that is away', broken(new Fault('wait', 'the database cannot be reached')), 503, 'unavailable'],
] as const)('%s is told alike through both', async (_, options, status, code) => {
  const { rest, graphql, log, close } = await door(options)
  const [there, here] = [await rest(), await graphql('{ me { subject } requests { nodes { id } } }')]
  await close()

  const { data, errors } = here.json<Answered>()
  expect([there.statusCode, there.json<{ code: string }>().code]).toEqual([status, code])
  expect(data).toBeNull()
  expect(errors.map(({ extensions }) => extensions)).toContainEqual(there.json())
  expect(here.body + there.body).not.toContain('secret')
  expect(log.join('')).toContain(code === 'internal' ? 'secret of the house' : 'the database cannot be reached')
})

test('who asks too often is told so through both, however they ask', async () => {
  const { rest, graphql, close } = await door({ rateLimit: 2 })
  await graphql('{ me { subject } }')
  await rest()
  const [there, here] = [await rest(), await graphql('{ me { subject } }')]
  await close()

  expect([there.statusCode, here.statusCode]).toEqual([429, 429])
  expect(here.headers['retry-after']).toBe(there.headers['retry-after'])
  expect(here.headers['ratelimit']).toBe(there.headers['ratelimit'])
  expect(here.json<Answered>().errors[0]?.extensions).toEqual(there.json())
})

test('many mutations in one body count as many requests', async () => {
  const { graphql, close } = await door({ rateLimit: 3 })
  const cancel = 'cancelRequest(input: { id: "none" }) { request { id } }'
  const [few, many] = [
    await graphql(`mutation { a: ${cancel} ...f } fragment f on Mutation { b: ${cancel} }`),
    await graphql(`mutation { a: ${cancel} ...f } fragment f on Mutation { b: ${cancel} c: ${cancel} d: ${cancel} }`),
  ]
  await close()

  expect(few.json<Answered>().errors.map(({ extensions }) => extensions['code'])).toEqual(['not-found', 'not-found'])
  expect([many.statusCode, many.headers['retry-after']]).toEqual([429, '1'])
  expect(many.json()).toEqual({
    errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: 'rate-limited' }) as unknown })],
  })
})

test('a query that takes too long is given up, and nothing of it goes on', async () => {
  const gates: (() => void)[] = []
  const reads: string[] = []
  const slow: Partial<Context> = {
    platform: () => {
      reads.push('platform')
      return new Promise((resolve) => gates.push(() => void house.context.platform().then(resolve)))
    },
  }
  const { graphql, close } = await door({ context: slow, milliseconds: 20 })
  const answer = await graphql('{ teams { nodes { resources { nodes { lastRequest { id } } } } } }')
  const [before] = [reads.length]
  for (const open of gates) open()
  await close()

  expect([answer.statusCode, answer.json<Answered>().errors[0]?.extensions['code']]).toEqual([503, 'unavailable'])
  expect(answer.headers['retry-after']).toBe('1')
  expect([before, reads.length]).toEqual([1, 1])
})

test('where introspection is turned off, nobody learns the schema, and all else goes on', async () => {
  const { graphql, close } = await door({ introspection: false })
  const answers = await Promise.all(
    [
      '{ __schema { types { name } } }',
      '{ __type(name: "Team") { name } }',
      '{ ...a } fragment a on Query { __schema { types { name } } }',
      '{ __typename me { subject } }',
    ].map(graphql),
  )
  await close()

  expect(answers.map((answer) => answer.json<Partial<Answered>>().errors?.[0]?.extensions['code'] ?? 'none')).toEqual([
    'invalid',
    'invalid',
    'invalid',
    'none',
  ])
})
