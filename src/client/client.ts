import createFetch, { type Client as FetchClient } from 'openapi-fetch'
import { failureOf, type Schemas } from './answers.ts'
import { followStream, NoStream, type FollowedEvent, type Following } from './event-stream.ts'
import type { operations, paths } from './generated/api.ts'
import { routes } from './generated/routes.ts'
import { pause, send, type Sender } from './send.ts'
import { settles, waitForRequest, type Waiting } from './wait-for.ts'

// The package has one entry, and what it throws and takes is a part of it.
export { NotCommitted, PurserProblem, PurserUnreachable, WaitedTooLong, type ProblemCode, type Schemas } from './answers.ts'
export { NoStream, type FollowedEvent, type Following, type Waiting }

export type ClientOptions = {
  /** Where Purser is: `https://purser.example.com`. */
  readonly url: string
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string
  /** Instead of `token`, asked before every attempt: for tokens that are renewed. */
  readonly getToken?: () => string | null | Promise<string | null>
  /** The person for whom a bot asks; `client.as()` makes one for another. */
  readonly onBehalfOf?: string
  /** How often a call is tried at most; 5 when left out. */
  readonly attempts?: number
  readonly fetch?: (request: Request, init: { readonly signal: AbortSignal }) => Promise<Response>
  /** How it is waited between attempts, for tests. */
  readonly pause?: Sender['pause']
}

type Routes = typeof routes
export type OperationName = keyof Routes

/** What an operation is asked with; a text as body is sent as YAML, where the operation takes that. */
export type Asked<Name extends OperationName> = Pick<operations[Name]['parameters'], 'path' | 'query' | 'header'> &
  Body<operations[Name]> & { readonly signal?: AbortSignal }
type Body<O> = O extends { requestBody: { content: infer C } }
  ? { readonly body: BodyOf<C> }
  : O extends { requestBody?: { content: infer C } }
    ? { readonly body?: BodyOf<C> }
    : { readonly body?: never }
type BodyOf<C> =
  | (C extends { 'application/json': infer J } ? J : never)
  | (C extends { 'application/yaml': infer Y } ? Extract<Y, string> | string : never)

/** What a good answer has. */
export type Answered<Name extends OperationName> = operations[Name] extends { responses: infer R } ? ContentOf<R[keyof R & Good]> : never
type Good = 200 | 201 | 202 | 204
type ContentOf<R> = R extends { content: { 'application/json': infer J } }
  ? J
  : R extends { content: { 'text/plain': infer T } }
    ? T
    : undefined

export type Operations = {
  readonly [Name in OperationName]: (
    ...asked: object extends Asked<Name> ? [asked?: Asked<Name>] : [asked: Asked<Name>]
  ) => Promise<Answered<Name>>
}

/** A request, or its id. */
export type RequestRef = string | { readonly id: string }

export type Client = Operations & {
  /** Resolves when a request is committed (or settled); throws `NotCommitted`, or `WaitedTooLong` after `timeoutMs`. */
  waitFor(request: RequestRef, waiting?: Waiting): Promise<Schemas['Request']>
  /** What happens to a request, from its first event to the one that settles it; throws `NoStream` where streams do not get through. */
  follow(request: RequestRef, following?: Following): AsyncIterable<FollowedEvent>
  /** What happens in a team, from now on, or from `after` on. */
  followTeam(team: string, following?: Following): AsyncIterable<FollowedEvent>
  /** The same client for a person. */
  as(person: string): Client
  /** The calls by their paths, for who wants headers and statuses: openapi-fetch, with the same token, keys and retries. */
  readonly http: FetchClient<paths>
}

/**
 * A client of Purser's API, for Node and browsers. Every operation is a method; refusals are thrown as `PurserProblem`. What may be
 * repeated is repeated, and what takes an `Idempotency-Key` has one, so that it is done once however often it is sent.
 */
export function createClient(options: ClientOptions): Client {
  const sender = senderOf(options)
  const url = options.url.replace(/\/+$/, '')
  const http = createFetch<paths>({ baseUrl: url, fetch: (request) => send(sender, request), redirect: 'error' })
  http.use({
    onRequest({ request, schemaPath }) {
      if (takesKey(request.method, schemaPath) && !request.headers.has('idempotency-key')) request.headers.set('idempotency-key', makeKey())
    },
  })
  const names = Object.keys(routes) as OperationName[] // It has no other keys.
  const methods = Object.fromEntries(names.map((name) => [name, methodOf(http, name)])) as unknown as Operations // All of them.
  async function* follow(request: RequestRef, following: Following = {}): AsyncGenerator<FollowedEvent> {
    for await (const event of followStream(sender, `${url}/v1/requests/${encodeURIComponent(idOf(request))}/events`, following)) {
      yield event
      if (settles(event)) return
    }
  }
  return {
    ...methods,
    http,
    follow,
    followTeam: (team, following = {}) => followStream(sender, `${url}/v1/teams/${encodeURIComponent(team)}/events`, following),
    waitFor: (request, waiting = {}) =>
      waitForRequest(idOf(request), waiting, {
        sender,
        follow,
        read: (id, signal) => methods.readRequest({ path: { id }, signal }),
      }),
    as: (person) => createClient({ ...options, onBehalfOf: person }),
  }
}

function senderOf({ token, getToken, onBehalfOf, attempts = 5, fetch: given, pause: paused = pause }: ClientOptions): Sender {
  return {
    fetch: given ?? ((request, init) => fetch(request, init)),
    getToken: getToken ?? (() => token ?? null),
    onBehalfOf: onBehalfOf ?? null,
    attempts,
    pause: paused,
  }
}

function idOf(request: RequestRef): string {
  return typeof request === 'string' ? request : request.id
}

function takesKey(method: string, path: string): boolean {
  return Object.values(routes).some((route) => route.takesKey && route.path === path && route.method === method.toLowerCase())
}

/** Chance enough, also where a browser has no randomUUID (outside of https). */
function makeKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

type AnyAsked = {
  readonly path?: Record<string, unknown>
  readonly query?: Record<string, unknown>
  readonly header?: Record<string, string>
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/** One operation. What types say of it was said by `Operations`; here it is path, method and body. */
function methodOf(http: FetchClient<paths>, name: OperationName): (asked?: AnyAsked) => Promise<unknown> {
  const { method, path, answers } = routes[name]
  // Of an operation that is only known by its name, openapi-fetch's types know nothing.
  const call = http.request as unknown as (method: string, path: string, init: object) => Promise<Called>
  return async ({ path: names, query, header, body, signal } = {}) => {
    const accept = answers === 'text' ? '*/*' : 'application/json, application/problem+json'
    const yaml = typeof body === 'string'
    const { data, error, response } = await call(method, path, {
      params: { path: names, query, header },
      headers: { accept, ...(yaml ? { 'content-type': 'application/yaml' } : {}) },
      parseAs: answers === 'text' ? 'text' : 'json',
      body,
      ...(yaml ? { bodySerializer: (text: string) => text } : {}),
      ...(signal === undefined ? {} : { signal }),
    })
    if (!response.ok) throw failureOf(response, error)
    return data
  }
}

type Called = { readonly data?: unknown; readonly error?: unknown; readonly response: Response }
