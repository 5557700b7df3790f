import { readFileSync } from 'node:fs'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { expect, test } from 'vitest'
import { generateOpenapi } from '../../scripts/generate-openapi.ts'
import { documentShapes, parseDocument, type Kind } from '../../src/core/document/document.ts'
import { isObject } from '../../src/core/json.ts'
import { problems } from '../../src/core/problem.ts'
import { requestInput } from '../../src/operations/request-input.ts'
import { compileShape } from '../../src/core/schema.ts'
import { openHttpHouse } from './http-house.ts'
import { contractOf } from './openapi-contract.ts'

const { app } = await openHttpHouse()
const text = await generateOpenapi()
const document = JSON.parse(text) as {
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, Schema> }
}
type Operation = {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly tags: readonly string[]
  readonly security?: unknown[]
  readonly responses: Record<string, unknown>
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> }
}
type Schema = { readonly $ref?: string; readonly examples?: readonly unknown[] }

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)
const examples = Object.entries(document.components.schemas).flatMap(([name, schema]) =>
  (schema.examples ?? []).map((example, i) => ({ name, which: `${name}/${i}`, example })),
)

test('the committed document is what the routes say, and it is the one that is served', async () => {
  const served = await app.inject('/openapi.json')

  expect(readFileSync('docs/openapi.json', 'utf8') === text).toBe(true)
  expect(served.json()).toEqual(document)
})

test('a linter has nothing to say about it', async () => {
  const config = await createConfig({
    extends: ['recommended-strict'],
    // The three open operations take no input, so there is nothing of the caller's to refuse.
    rules: { 'operation-4xx-response': 'off' },
  })
  const found = await lintFromString({ source: text, absoluteRef: '/openapi.json', config })

  expect(found.map((problem) => `${problem.ruleId} ${problem.message} ${problem.location[0]?.pointer ?? ''}`)).toEqual([])
})

test('every route of the API is described, and nothing else is', () => {
  const routes = app.routeTable
    .filter(({ url }) => !url.startsWith('/docs') && url !== '/openapi.json')
    .map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`)

  expect(operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`).toSorted()).toEqual(routes.toSorted())
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length)
})

test.each(operations)('$method $path says what it is for, and what it can refuse', ({ path, operation }) => {
  expect(operation.summary.length).toBeGreaterThan(5)
  expect(operation.description.length).toBeGreaterThan(5)
  expect(operation.tags).toHaveLength(1)
  // Who exchanges a token is nobody yet.
  if (path.startsWith('/v1') && path !== '/v1/token')
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['400', '401', '403', '422', '429', '500', '503']))
  else expect(operation.security).toEqual([])
})

test.each(operations.filter(({ operation }) => operation.requestBody !== undefined))(
  '$method $path shows a body that can be sent',
  ({ operation }) => {
    for (const { schema } of Object.values(operation.requestBody?.content ?? {})) {
      const name = schema.$ref?.split('/').at(-1) ?? ''

      expect(document.components.schemas[name]?.examples?.length).toBeGreaterThan(0)
    }
  },
)

test.each(operations)('$method $path shows what it answers', ({ operation }) => {
  const answered = Object.entries(operation.responses).filter(([status]) => status.startsWith('2') && status !== '204')
  const named = JSON.stringify(answered).matchAll(/#\/components\/schemas\/(\w+)/g)

  for (const [, name = ''] of named) expect([name, document.components.schemas[name]?.examples?.length ?? 0]).not.toEqual([name, 0])
})

test.each(examples)('example $which is one', ({ name, example }) => {
  expect(contractOf(document).judge(`/components/schemas/${name}`, example)).toEqual([])
})

test('bodies that are shown are taken by the judge that takes bodies', () => {
  const shape = compileShape(requestInput)

  for (const { example } of examples.filter(({ name }) => name === 'RequestInput')) expect(shape.parse(example)).toMatchObject({ ok: true })
  for (const kind of Object.keys(documentShapes) as Kind[]) {
    for (const { example } of examples.filter(({ name }) => name === `${kind}Input`))
      expect(parseDocument(example)).toMatchObject({ ok: true })
  }
})

test('every problem that Purser knows is shown once, with all of its members', () => {
  const shown = examples.filter(({ name }) => name === 'Problem').map(({ example }) => String(isObject(example) ? example['code'] : null))

  expect(shown.toSorted()).toEqual(Object.keys(problems).toSorted())
})

test('the page at /docs works without any other host', async () => {
  const page = await app.inject('/docs')
  const own = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '')
  const initializer = await app.inject('/docs/static/swagger-initializer.js')

  expect(own.length).toBeGreaterThan(4)
  for (const url of own) {
    expect(url).toMatch(/^\/docs\/static\//)
    expect((await app.inject(url)).statusCode).toBe(200)
  }
  expect(page.body + initializer.body).not.toMatch(/https?:\/\/(?!stackoverflow\.com)/)
  expect(page.body).not.toMatch(/<script>|<style>| on\w+=/)
  expect(page.headers['content-security-policy']).toContain("script-src 'self';")
  expect((await app.inject('/docs/json')).json()).toEqual(document)
})
