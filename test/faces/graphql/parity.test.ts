import { describe, expect, test } from 'vitest'
import { isObject } from '../../../src/core/json.ts'
import { problems } from '../../../src/core/problem.ts'
import { makeSchema } from '../../../src/faces/graphql/schema.ts'
import { differences, masked, selectionOf } from './compare.ts'
import { openGraphqlHouse, type GraphqlAnswer, type RestAnswer } from './graphql-house.ts'
import { elsewhere, refusals } from './parity-refusals.ts'
import { everybody, onlyInRest, reads, writes, type Make, type Row } from './parity-table.ts'
import { openWorld } from './parity-world.ts'

/**
 * L14: one table of questions, each asked through both faces, and the answers compared member by member: enums may be
 * upper-case and a thing may stand where REST has its name, and nothing else may differ.
 */
const both = await openGraphqlHouse({
  history: {
    fetch: async () => null,
    listCommits: async () => null,
    readPaths: async () => [],
    findInHistory: async () => new Set(),
    close: async () => undefined,
  },
})
const world = await openWorld(both)
const schema = makeSchema()

const named = await Promise.all(reads.map(async (make) => ({ make, name: nameOf(await make(world)) })))
/** Those of writes are made in order: each leaves the world as the next one expects it. */
const changes: { readonly make: Make; readonly name: string }[] = []
const asked: Row[] = await Promise.all(reads.map(async (make) => make(world)))
for (const make of writes) {
  const row = await make(world)
  asked.push(row)
  changes.push({ make, name: nameOf(row) })
}

type Who = { readonly as?: string; readonly token?: string | null }

function askRest({ rest: [method, path, body], headers, as, token }: Row): Promise<RestAnswer> {
  return both.rest(method, path, body, { ...who({ as, token }), ...(headers === undefined ? {} : { headers }) })
}

/** Asks for every member that REST answered; of a refusal, for as little as there is. */
function askGraph(row: Row, rest: unknown): Promise<GraphqlAnswer> {
  const { field, input, within = '', type, headers, as, token } = row
  const selection = type === undefined ? '' : `{ ${rest === undefined ? '__typename' : selectionOf(schema, type, rest)} }`
  const inner = within.split(/\.(?![^(]*\))/).reduceRight((text, name) => (name === '' ? text : `{ ${name} ${text} }`), selection)
  const query =
    input === undefined
      ? `{ ${field} ${inner} }`
      : `mutation($input: ${field[0]?.toUpperCase()}${field.slice(1)}Input!) { ${field}(input: $input) ${inner} }`
  const variables = input === undefined ? {} : { input }
  const type_ = headers?.['content-type']
  return both.graphql(query, { ...who({ as, token }), variables, ...(type_ === undefined ? {} : { contentType: type_ }) })
}

function who({ as, token }: { readonly as?: string | undefined; readonly token?: string | null | undefined }): Who {
  return { ...(as === undefined ? {} : { as }), ...(token === undefined ? {} : { token }) }
}

/** What GraphQL answered in the place that the row is about. */
function valueOf({ field, within = '' }: Row, { data }: GraphqlAnswer): unknown {
  const names = [field, ...within.split(/\.(?![^(]*\))/)].map((name) => name.replace(/\(.*$/s, '')).filter((name) => name !== '')
  return names.reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), data)
}

/** Both answers as they are compared: refusals by their problem documents. */
function compare(row: Row, rest: RestAnswer, graph: GraphqlAnswer): readonly string[] {
  const [error] = graph.errors
  if (rest.status >= 400) {
    const document = error?.extensions ?? null
    return JSON.stringify(masked(document)) === JSON.stringify(masked(rest.body)) ? [] : [`REST ${rest.text}, GraphQL ${graph.text}`]
  }
  if (error !== undefined) return [`REST ${rest.status}, GraphQL ${graph.text}`]
  if (rest.status === 204) return typeof valueOf(row, graph) === 'string' ? [] : [`GraphQL ${graph.text}`]
  const answered = rest.body ?? rest.text
  return differences(masked(answered), masked(valueOf(row, graph)))
}

function nameOf({ operation, what = '' }: Row): string {
  return `${operation} ${what}`.trim()
}

test('every operation of REST has a row, or a reason why only REST has it', () => {
  const described = Object.entries(both.app.swagger().paths ?? {}).flatMap(([path, methods]) =>
    path.startsWith('/v1/') ? Object.values(methods as Record<string, { operationId?: string }>).map(({ operationId }) => operationId) : [],
  )
  const operations = asked.map(({ operation }) => operation)

  expect(described.length).toBeGreaterThan(50)
  expect(described.filter((id) => id !== undefined && !operations.includes(id) && onlyInRest[id] === undefined)).toEqual([])
  expect([...operations, ...Object.keys(onlyInRest)].filter((id) => !described.includes(id))).toEqual([])
})

test('every query and mutation is asked in a row', () => {
  const fields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) => Object.keys(type?.getFields() ?? {}))
  const names = asked.map(({ field }) => field.replace(/\(.*$/s, ''))

  // `node` finds what the others answer: nodes.test.ts.
  expect(fields.filter((field) => field !== 'node' && !names.includes(field))).toEqual([])
})

test('every code of a problem is compared in a row, or told where else', () => {
  const compared = refusals.map(([code]) => code)

  expect(Object.keys(problems).filter((code) => !compared.some((each) => each === code) && !(code in elsewhere))).toEqual([])
  expect(Object.keys(elsewhere).filter((code) => compared.some((each) => each === code))).toEqual([])
})

describe('REST and GraphQL give the same answer', () => {
  test.each(named)('to $name, whoever asks', async ({ make }) => {
    const wrong: string[] = []
    // From the third time on a query is compiled: it says the same to whoever asked first.
    const again = { 'admin again': everybody.admin, 'named approver again': everybody['named approver'] }
    for (const [name, caller] of Object.entries<Who>({ ...everybody, ...again })) {
      const row = { ...(await make(world)), ...caller }
      const rest = await askRest(row)
      const graph = await askGraph(row, rest.status < 400 ? (rest.body ?? undefined) : undefined)
      wrong.push(...compare(row, rest, graph).map((difference) => `${name}: ${difference}`))
    }

    expect(wrong).toEqual([])
  })

  test.each(changes)('to $name, done twice', async ({ make }) => {
    const first = await make(world)
    const rest = await askRest(first)
    const row = await make(world)
    const graph = await askGraph(row, rest.body ?? undefined)

    expect(`${nameOf(first)} ${rest.status < 300 ? 'is done' : rest.text}`).toBe(`${nameOf(first)} is done`)
    expect(compare(row, rest, graph)).toEqual([])
  })

  test.each(refusals.map(([code, make]) => ({ code, make })))('to what is refused as $code', async ({ code, make }) => {
    const rest = await askRest(await make(world))
    const row = await make(world)
    const graph = await askGraph(row, undefined)

    expect((rest.body as { code?: unknown }).code).toBe(code)
    expect(compare(row, rest, graph)).toEqual([])
  })
})
