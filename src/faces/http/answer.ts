import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Json, JsonObject } from '../../core/json.ts'
import type { Result } from '../../core/result.ts'
import { emitYaml } from '../../core/yaml.ts'
import type { Page } from '../../operations/page.ts'
import { negotiate } from './accept.ts'
import { yamlTypes } from './bodies.ts'
import { Refused, sendProblem } from './problems.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types that a route can answer with; JSON alone when it is not said. None: it answers in its only form, whatever Accept says. */
    offers?: readonly string[]
  }
  interface FastifyRequest {
    /** The media type to answer with. */
    format: string
  }
}

const json = 'application/json'
export const documentFormats = [json, ...yamlTypes] as const
/** For answers that have one form only: RFC 9110, 12.5.1 lets a server send it all the same. */
export const onlyForm: readonly string[] = []

/** Agrees on a media type before anything is done; 406 when there is none. */
export function negotiateFormats(app: FastifyInstance): void {
  app.decorateRequest('format', json)
  app.addHook('onRequest', (request, reply, done) => {
    const offers = request.routeOptions.config.offers ?? [json]
    if (offers.length === 0) return done()
    if (offers.length > 1) reply.header('vary', 'Accept')
    const format = negotiate(request.headers.accept, offers)
    if (format === null)
      return done(new Refused({ code: 'not-acceptable', offered: offers.filter((offer) => offer === json || offer === yamlTypes[0]) }))
    request.format = format
    done()
  })
}

/** One thing with its entity tag, of its revision or else of its bytes; 304 to a caller who has it. */
export function sendThing(request: FastifyRequest, reply: FastifyReply, result: Result<JsonObject>, etag?: string): FastifyReply {
  if (!result.ok) return sendProblem(reply, result.problem)
  const body = encode(request, result.value)
  const tag = etag ?? tagOf(result.value, body)
  reply.header('etag', tag)
  const known = request.method === 'GET' || request.method === 'HEAD' ? request.headers['if-none-match'] : undefined
  if (known !== undefined && matches(known, tag)) return reply.code(304).send()
  return sendEncoded(request, reply, body)
}

/** What has no identity of its own: an outcome, a list that is whole. */
export function sendValue(request: FastifyRequest, reply: FastifyReply, result: Result<Json>): FastifyReply {
  return result.ok ? sendEncoded(request, reply, encode(request, result.value)) : sendProblem(reply, result.problem)
}

export function sendText(reply: FastifyReply, result: Result<string>): FastifyReply {
  return result.ok ? reply.header('content-type', 'text/plain; charset=utf-8').send(result.value) : sendProblem(reply, result.problem)
}

/** A page, and where the next one is: the same query from its last item on. */
export function sendPage(request: FastifyRequest, reply: FastifyReply, result: Result<Page>): FastifyReply {
  if (!result.ok) return sendProblem(reply, result.problem)
  const { items, pageInfo } = result.value
  if (pageInfo.hasNextPage && pageInfo.endCursor !== null) {
    const next = new URL(request.url, 'http://purser.invalid')
    next.searchParams.set('after', pageInfo.endCursor)
    reply.header('link', `<${next.pathname}${next.search}>; rel="next"`)
  }
  if (request.format !== json) return sendEncoded(request, reply, encode(request, { items, pageInfo }))
  const parts = items.flatMap((item, i) => (i === 0 ? [jsonOf(item)] : [comma, jsonOf(item)]))
  return sendEncoded(request, reply, Buffer.concat([open, ...parts, Buffer.from(`],"pageInfo":${JSON.stringify(pageInfo)}}`)]))
}

const [open, comma] = [Buffer.from('{"items":['), Buffer.from(',')]

/** Not by a compiled schema: a member that the schema forgot would be gone without a word. */
function encode(request: FastifyRequest, value: Json): Buffer {
  return request.format === json ? jsonOf(value) : Buffer.from(emitYaml(value))
}

type Encoded = { readonly bytes: Buffer; tag: string | null }

/** A thing that an operation froze is shown again and again: its bytes and entity tag are made once. */
const encoded = new WeakMap<object, Encoded>()

function jsonOf(value: Json): Buffer {
  if (typeof value !== 'object' || value === null || !Object.isFrozen(value)) return Buffer.from(JSON.stringify(value))
  let known = encoded.get(value)
  if (known === undefined) encoded.set(value, (known = { bytes: Buffer.from(JSON.stringify(value)), tag: null }))
  return known.bytes
}

function tagOf(value: JsonObject, body: Buffer): string {
  const known = encoded.get(value)
  const tag = known?.bytes === body ? known.tag : null
  if (tag !== null) return tag
  const made = `"${createHash('sha256').update(body).digest('base64url')}"`
  if (known?.bytes === body) known.tag = made
  return made
}

function sendEncoded(request: FastifyRequest, reply: FastifyReply, body: Buffer): FastifyReply {
  return reply.header('content-type', request.format === json ? jsonType : request.format).send(body)
}

/** As Fastify says it of text. */
const jsonType = `${json}; charset=utf-8`

/** Weak comparison, RFC 9110, 13.1.2. */
function matches(ifNoneMatch: string, tag: string): boolean {
  return ifNoneMatch.split(',').some((candidate) => candidate.trim() === '*' || candidate.trim().replace(/^W\//, '') === tag)
}

/** Aborted when the caller has gone before the answer. (Fastify's own `request.signal` is aborted as soon as the body is read.) */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  return gone.signal
}
