import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, expect } from 'vitest'
import { hashToken, makeToken, TOKEN_BYTES } from '../../../src/core/token.ts'
import { graphqlFace, type GraphqlOptions } from '../../../src/faces/graphql/plugin.ts'
import { buildApp, type AppOptions } from '../../../src/faces/http/app.ts'
import type { HttpApp } from '../../../src/faces/http/http-app.ts'
import { scopes } from '../../../src/operations/caller.ts'
import { keepAdminToken } from '../../../src/store/principals.ts'
import { leaksIn, remember } from '../../support/made-secrets.ts'
import { openHouse, type Believed, type House } from '../../support/house.ts'

export type GraphqlError = {
  readonly message: string
  readonly path?: readonly (string | number)[]
  readonly extensions: Readonly<Record<string, unknown>> & { readonly code: string }
}

export type GraphqlAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  readonly data: Readonly<Record<string, unknown>> | null | undefined
  readonly errors: readonly GraphqlError[]
}

export type GraphqlHouse = {
  readonly house: House
  readonly app: HttpApp
  readonly token: string
  readonly log: string[]
  /** Asks /graphql as the administrator, or on behalf of a person. */
  graphql(query: string, options?: GraphqlAsk): Promise<GraphqlAnswer>
  /** Asks REST. */
  rest(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, options?: RestAsk): Promise<RestAnswer>
}

export type GraphqlAsk = {
  readonly as?: string
  readonly variables?: Readonly<Record<string, unknown>>
  readonly accept?: string
  readonly contentType?: string
  readonly token?: string | null
}
export type RestAsk = { readonly as?: string; readonly headers?: Readonly<Record<string, string>>; readonly token?: string | null }
export type RestAnswer = { readonly status: number; readonly text: string; readonly body: unknown }

/** A house with both faces. Call it at the top of the file. */
export async function openGraphqlHouse(
  options: Partial<Pick<AppOptions, 'rateLimit' | 'pages'>> &
    Partial<Pick<GraphqlOptions, 'introspection' | 'milliseconds' | 'history'>> & { readonly believed?: Believed } = {},
): Promise<GraphqlHouse> {
  const { rateLimit = 0, pages, history = null, introspection = true, believed = {}, ...more } = options
  const house = await openHouse(believed)
  const token = remember(makeToken(randomBytes(TOKEN_BYTES)))
  await keepAdminToken(house.context.database.pool, hashToken(token), scopes, false)
  const log: string[] = []
  const sink = new Writable({ write: (chunk, _encoding, done) => (log.push(String(chunk)), done()) })
  // Registered first, so it runs last: when nothing is logged any more.
  afterAll(() => expect(leaksIn(log.join(''))).toEqual([]))
  const app = await buildApp({
    context: house.context,
    ...(history === null ? {} : { history }),
    log: pino({ level: 'warn' }, sink),
    rateLimit,
    ...(pages === undefined ? {} : { pages }),
    stopping: new AbortController().signal,
    beside: (guarded, host) => graphqlFace(guarded, host, { context: house.context, history, introspection, ...more }),
  })
  afterAll(() => app.close())
  const headersFor = (as: string | undefined, other: string | null | undefined) => ({
    ...(other === null ? {} : { authorization: `Bearer ${other ?? token}` }),
    ...(as === undefined ? {} : { 'purser-on-behalf-of': as }),
  })
  return {
    house,
    app,
    token,
    log,
    async graphql(
      query,
      { as, variables = {}, accept = 'application/graphql-response+json', contentType = 'application/json', token: other } = {},
    ) {
      const response = await app.inject({
        method: 'POST',
        url: '/graphql',
        headers: { ...headersFor(as, other), accept, 'content-type': contentType },
        payload: JSON.stringify({ query, variables }),
      })
      const body = JSON.parse(response.body) as Pick<GraphqlAnswer, 'data'> & Partial<Pick<GraphqlAnswer, 'errors'>>
      return { status: response.statusCode, headers: response.headers, text: response.body, data: body.data, errors: body.errors ?? [] }
    },
    async rest(method, path, body, { as, headers = {}, token: other } = {}) {
      const response = await app.inject({
        method,
        url: path,
        headers: { ...headersFor(as, other), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      })
      const json = /json/.test(String(response.headers['content-type']))
      return {
        status: response.statusCode,
        text: response.body,
        body: json && response.body !== '' ? (JSON.parse(response.body) as unknown) : null,
      }
    },
  }
}
