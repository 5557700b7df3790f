import type { FastifySchema } from 'fastify'
import { Type, type TSchema } from 'typebox'
import { problems, type ProblemCode } from '../../core/problem.ts'
import { yamlTypes } from './bodies.ts'
import { problemAnswer } from './schemas/problem.ts'
import { ref } from './schemas/component.ts'

/** The nouns of the API, as OpenAPI groups its operations. */
export const tags = {
  Requests: 'Ask for infrastructure, look at what was asked, decide on it.',
  Resources: 'What exists, or is coming, because of requests.',
  Documents: 'What the platform team writes: teams, environments, blueprints, policies, budgets, services, trusts.',
  Schemas: 'What clusters know of kinds, and plans are judged by.',
  Budgets: 'Where the money went.',
  Events: 'The audit log.',
  GitOps: 'The branches that requests are committed to.',
  'Service accounts': 'Programs with accounts of their own, and their tokens.',
  Caller: 'Who is asking.',
  Operation: 'Whether the server is well. Open to everybody.',
} as const

export type Description = {
  /** The operation's name in the code, which is its name everywhere. */
  readonly id: string
  readonly tag: keyof typeof tags
  readonly summary: string
  readonly description: string
  readonly answers: Readonly<Record<number, Answered>>
  /** Besides those that every operation below /v1 can give. */
  readonly refuses?: readonly ProblemCode[]
  readonly headers?: Readonly<Record<string, string>>
  readonly accepts?: readonly string[]
  /** It answers in its only form, whatever Accept says. */
  readonly onlyForm?: true
}

export type Answered = {
  readonly description: string
  /** Nothing for an answer without a body. */
  readonly schema?: TSchema
  readonly types?: readonly string[]
  /** Other forms that it has, by media type. */
  readonly also?: Readonly<Record<string, TSchema>>
  readonly headers?: Readonly<Record<string, string>>
}

const everywhere: readonly ProblemCode[] = [
  'malformed',
  'unauthenticated',
  'forbidden',
  'not-acceptable',
  'invalid',
  'rate-limited',
  'internal',
  'unavailable',
]

const always: Readonly<Record<string, string>> = {
  'Purser-On-Behalf-Of': 'The e-mail address of the person for whom a bot asks. Takes the scope `impersonate`.',
  'X-Request-Id': 'Comes back on the answer and stands in the log; made when it is missing.',
  traceparent: 'W3C Trace Context; stands in the log.',
}

/** Without a query of its own, a route takes none: an unknown parameter is refused, not passed over. */
const noQuery = Type.Object({}, { additionalProperties: false })

type OpenSchema = Pick<FastifySchema, 'operationId' | 'summary' | 'description' | 'tags'>

/**
 * What OpenAPI says about an operation below /v1; spread it into the route's schema. Its type hides headers and answers, so
 * that Fastify's type provider does not narrow what the helpers in `answer.ts` take.
 */
export function operation(d: Description): OpenSchema {
  const refusable = d.onlyForm === true ? everywhere.filter((code) => code !== 'not-acceptable') : everywhere
  return {
    ...head(d),
    querystring: noQuery,
    headers: Type.Object(texts({ ...d.headers, ...always })),
    response: { ...answers(d), ...refusals([...refusable, ...(d.refuses ?? [])]) },
    ...(d.accepts === undefined ? {} : { consumes: d.accepts }),
  } as OpenSchema // The members that its type hides are FastifySchema's own.
}

/** The same for what is open to everybody. */
export function openOperation(d: Description): OpenSchema {
  return {
    ...head(d),
    security: [],
    response: { ...answers(d), ...refusals(d.refuses ?? []) },
    ...(d.accepts === undefined ? {} : { consumes: d.accepts }),
  } as OpenSchema // As above.
}

export const etag = { ETag: 'Of what was answered: what `If-None-Match` takes and, of documents, `If-Match`.' }

/** What a route says that answers one thing with its entity tag, and 304 to who has it already. */
export function thing(answer: Answered): Pick<Description, 'headers' | 'answers'> {
  return {
    headers: { 'If-None-Match': 'The ETag of what the caller has.' },
    answers: { 200: { ...answer, headers: etag }, 304: { description: 'It is what the caller has.', headers: etag } },
  }
}

/** What a route that takes a JSON body can refuse besides. */
export const bodyRefusals: readonly ProblemCode[] = ['too-large', 'unsupported-media-type']

function head({ id, summary, description, tag }: Description): OpenSchema {
  return { operationId: id, summary, description, tags: [tag] }
}

function texts(headers: Readonly<Record<string, string>>): Record<string, TSchema> {
  return Object.fromEntries(Object.entries(headers).map(([name, description]) => [name, Type.Optional(Type.String({ description }))]))
}

function answers({ answers: answered }: Description): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(answered).map(([status, { description, schema, types = ['application/json'], also = {}, headers = {} }]) => [
      status,
      {
        description,
        // @fastify/swagger leaves the content out for this type alone.
        ...(schema === undefined
          ? { type: 'null' }
          : {
              content: Object.fromEntries(
                [...types.map((type) => [type, schema] as const), ...Object.entries(also)].map(([type, form]) => [
                  type,
                  { schema: ref(form) },
                ]),
              ),
            }),
        headers: Object.fromEntries(
          Object.entries({ 'X-Request-Id': 'Names this answer in the log.', ...headers }).map(([name, text]) => [
            name,
            { type: 'string', description: text },
          ]),
        ),
      },
    ]),
  )
}

/** Problems by their status, each status once, with the codes that the operation can give. */
function refusals(codes: readonly ProblemCode[]): Record<string, unknown> {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of new Set(codes)) byStatus.set(problems[code].status, [...(byStatus.get(problems[code].status) ?? []), code])
  return Object.fromEntries(
    [...byStatus].map(([status, of]) => [
      status,
      {
        description: of.map((code) => `\`${code}\`: ${problems[code].title}.`).join(' '),
        content: { 'application/problem+json': { schema: problemAnswer(of) } },
      },
    ]),
  )
}

/** Answers of documents have both forms; the older names of YAML are understood and not advertised. */
export const documentTypes: readonly string[] = ['application/json', yamlTypes[0]]
