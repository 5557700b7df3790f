import { isObject, type JsonObject } from '../../src/core/json.ts'
import { parseYamlDocuments } from '../../src/core/yaml.ts'
import { contractOf } from '../faces/openapi-contract.ts'
import { remember, rememberAnswer } from './made-secrets.ts'

export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** What the JSON or YAML is; empty for anything else. */
  readonly body: JsonObject
}

export type AskOptions = {
  /** The person on whose behalf. */
  readonly as?: string
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Another token than the administrator's; null: none. */
  readonly token?: string | null
}

/** Asks over HTTP. Objects are sent as JSON; text is sent as it is, as YAML unless the headers say something else. */
export type Api = (method: string, path: string, body?: unknown, options?: AskOptions) => Promise<Answer>

/** One answer, for tests that count which there were. */
export type Seen = { readonly operation: string; readonly status: number; readonly code: string }

/**
 * A client that holds every answer against the server's own OpenAPI document: a status, a media type, a problem or a member
 * that it does not tell of fails the test, whatever the test is about.
 */
export function openApi(url: string, token: string, document: object, seen?: (answer: Seen) => void): Api {
  const contract = contractOf(document)
  const routes = routesOf(document)
  return async (method, path, body, { as, key, headers = {}, token: other = token } = {}) => {
    if (other !== null) remember(other)
    const isText = typeof body === 'string' || body instanceof Uint8Array
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(other === null ? {} : { authorization: `Bearer ${other}` }),
        ...(as === undefined ? {} : { 'purser-on-behalf-of': as }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(body === undefined ? {} : { 'content-type': isText ? 'application/yaml' : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
      redirect: 'manual',
    })
    const type = response.headers.get('content-type') ?? ''
    const text = type === 'text/event-stream' ? await beginOf(response) : await response.text()
    const route = method === 'HEAD' ? undefined : routeOf(routes, path)
    const isDescribed = route !== undefined && operationOf(document, method, route) !== undefined
    // The API's own description as YAML takes longer to read than to write, and is nobody's answer.
    const parsed = isDescribed || type.includes('json') ? parse(type, text) : null
    rememberAnswer(parsed)
    if (isDescribed) {
      const wrong = contract.judgeAnswer(method, route, response.status, type, parsed)
      if (wrong.length > 0) throw new Error(`${method} ${path} answered ${response.status} ${text.slice(0, 2_000)}\n${wrong.join('\n')}`)
      seen?.({ operation: `${method} ${route}`, status: response.status, code: wordOf(parsed, 'code') })
    }
    return { status: response.status, headers: response.headers, text, body: objectOf(parsed) }
  }
}

/** A stream ends when somebody leaves it: what it begins with. */
async function beginOf({ body }: Response): Promise<string> {
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
  const begin = await reader?.read()
  await reader?.cancel()
  return begin?.value ?? ''
}

/** A value within an answer: `at(answer, 'plan.files.0.path')`. */
export function at({ body }: Pick<Answer, 'body'>, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined), body)
}

/** A text within an answer. */
export function textAt(answer: Answer, path: string): string {
  const value = at(answer, path)
  if (typeof value !== 'string') throw new Error(`no text at ${path} of ${answer.status} ${answer.text}`)
  return value
}

/** The items of a page. */
export function itemsOf(answer: Pick<Answer, 'body' | 'text'>): readonly JsonObject[] {
  const { items } = answer.body
  if (!Array.isArray(items)) throw new Error(`no page: ${answer.text}`)
  return items.map(objectOf)
}

/** The answer's state, or the code of its refusal: `202 queued`, `403 forbidden`. */
export function outcomeOf({ status, body }: Pick<Answer, 'status' | 'body'>): string {
  return `${status} ${wordOf(body, 'code') || wordOf(body, 'state')}`.trim()
}

function wordOf(value: unknown, member: string): string {
  const word = isObject(value) ? value[member] : undefined
  return typeof word === 'string' ? word : ''
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? (value as JsonObject) : {} // It came as JSON.
}

function parse(type: string, text: string): unknown {
  if (text === '') return text
  if (/json/.test(type)) return JSON.parse(text) as unknown
  if (!/yaml/.test(type)) return text
  const documents = parseYamlDocuments(text)
  if (!documents.ok || documents.value.length !== 1) throw new Error(`no YAML: ${text}`)
  return documents.value[0]
}

type Operations = Readonly<Record<string, unknown>>

/** The document's paths, those without parameters first. */
function routesOf(document: object): readonly string[] {
  return Object.keys(pathsOf(document)).sort((a, b) => a.split('{').length - b.split('{').length)
}

function pathsOf(document: object): Operations {
  return 'paths' in document && isObject(document.paths) ? document.paths : {}
}

/** The path of the document that covers a path that was asked for. */
function routeOf(routes: readonly string[], asked: string): string | undefined {
  const path = asked.replace(/[?#].*$/s, '').split('/')
  return routes.find((route) => {
    const parts = route.split('/')
    return parts.length === path.length && parts.every((part, i) => (part.startsWith('{') ? path[i] !== '' : part === path[i]))
  })
}

function operationOf(document: object, method: string, route: string): unknown {
  const operations = pathsOf(document)[route]
  return isObject(operations) ? operations[method.toLowerCase()] : undefined
}
