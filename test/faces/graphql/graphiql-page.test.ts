import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import Fastify from 'fastify'
import { buildSchema, getVariableValues, Kind, parse, validate } from 'graphql'
import { afterAll, expect, test } from 'vitest'
import { sdl } from '../../../src/faces/graphql/generated/sdl.ts'
import { graphiqlPage, graphiqlPolicy } from '../../../src/faces/graphql/graphiql-page.ts'
import { examples } from '../../../web/graphiql/examples.ts'

/** How the files of the page are handed out; what they do in a browser is in graphiql.test.ts. */

const folder = await mkdtemp(join(tmpdir(), 'purser-graphiql-'))
await writeFile(join(folder, 'index.html.gz'), gzipSync('<!doctype html>'))
await writeFile(join(folder, 'page-ABCD2345.js.gz'), gzipSync('let page'))
await writeFile(join(folder, 'licenses.txt.gz'), gzipSync('MIT'))
await writeFile(join(folder, 'secret'), 'not to be handed out')
const app = Fastify()
graphiqlPage(app, folder)
afterAll(async () => {
  await app.close()
  await rm(folder, { recursive: true })
})

test('the page has a policy that runs nothing from elsewhere and nothing that is written into it', async () => {
  const page = await app.inject('/graphiql')
  expect(page).toMatchObject({ statusCode: 200, body: '<!doctype html>' })
  expect(page.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
  expect(page.headers['content-security-policy']).toBe(graphiqlPolicy)
  expect(graphiqlPolicy).toContain("default-src 'none'; script-src 'self';")
  expect(graphiqlPolicy).not.toMatch(/unsafe-eval|https?:|\*/)
})

test('what has its content in its name is kept for ever, the rest is asked for again, and neither is sent twice', async () => {
  for (const [path, cached] of [
    ['/graphiql', 'no-cache'],
    ['/graphiql/licenses.txt', 'no-cache'],
    ['/graphiql/page-ABCD2345.js', 'public, max-age=31536000, immutable'],
  ] as const) {
    const first = await app.inject(path)
    expect(first.headers['cache-control'], path).toBe(cached)
    const etag = String(first.headers.etag)
    const again = await app.inject({ url: path, headers: { 'if-none-match': etag } })
    expect(again, path).toMatchObject({ statusCode: 304, body: '' })
    const other = await app.inject({ url: path, headers: { 'if-none-match': 'W/"other"' } })
    expect(other.statusCode, path).toBe(200)
  }
})

test('files are compressed for who takes that, and plain for everybody else', async () => {
  const ask = (accept: string) => app.inject({ url: '/graphiql/page-ABCD2345.js', headers: { 'accept-encoding': accept } })
  for (const accept of ['gzip, deflate, br', 'br;q=1, GZIP; q=0.5']) {
    const packed = await ask(accept)
    expect(packed.headers).toMatchObject({
      'content-encoding': 'gzip',
      vary: 'Accept-Encoding',
      'content-type': 'text/javascript; charset=utf-8',
    })
    expect(String(gunzipSync(packed.rawPayload))).toBe('let page')
  }
  for (const accept of ['', 'identity', 'br', 'gzip;q=0', 'gzip;q=0.0']) {
    const plain = await ask(accept)
    expect(plain.headers['content-encoding'], accept).toBeUndefined()
    expect(plain, accept).toMatchObject({ body: 'let page', headers: { vary: 'Accept-Encoding' } })
  }
})

test('nothing but the files of the page is handed out', async () => {
  for (const name of ['secret', 'index.html', 'page.js', '..%2Fpackage.js', '%2e%2e', '.', 'page-ABCD2345.js.gz', 'x%00.js'])
    expect((await app.inject(`/graphiql/${name}`)).statusCode, name).toBe(404)
  const missing = await app.inject('/graphiql/page-00000000.js')
  expect(missing.json()).toMatchObject({ status: 404, code: 'not-found' })
})

test('every example is one of the schema, with variables that fit and an operation that names its tab', () => {
  const schema = buildSchema(sdl)
  const names = examples.map(({ query, variables }) => {
    const document = parse(query)
    expect(validate(schema, document), query).toEqual([])
    const [operation, ...more] = document.definitions
    expect(more).toEqual([])
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error(`${query} is no operation`)
    const given = JSON.parse(variables ?? '{}') as Record<string, unknown>
    expect(getVariableValues(schema, operation.variableDefinitions ?? [], given).errors, query).toBeUndefined()
    return operation.name?.value
  })
  expect(names).toEqual(['Me', 'Plan', 'Submit', 'Awaiting', 'Approve', 'Requests', 'Graph', 'Activity'])
})
