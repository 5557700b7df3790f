import { isObject, type Json, type JsonObject } from '../src/core/json.ts'
import { makeTypes } from './client-types/make-types.ts'

const verbs = ['get', 'put', 'post', 'delete', 'patch'] as const

/** src/client/generated/api.ts: paths, operations and schemas of the OpenAPI document as types. */
export async function generateClientTypes(document: JsonObject): Promise<string> {
  return `// Made by npm run generate from docs/openapi.json.\n${await makeTypes(withoutExamples(document))}`
}

/** src/client/generated/routes.ts: what of each operation the client has to know while it runs. */
export function generateClientRoutes(document: JsonObject): string {
  const lines = operationsOf(document).flatMap(({ path, verb, operation }) => {
    const answers = answersOf(operation)
    if (answers === null || !takesJson(operation)) return []
    const takesKey = Array.isArray(operation['parameters']) && operation['parameters'].some(isKey)
    return [`  ${nameOf(operation)}: { method: '${verb}', path: '${path}', answers: '${answers}', takesKey: ${takesKey} },`]
  })
  return ['// Made by npm run generate from docs/openapi.json.', 'export const routes = {', ...lines, '} as const', ''].join('\n')
}

type Operation = { readonly path: string; readonly verb: string; readonly operation: JsonObject }

function operationsOf({ paths = {} }: JsonObject): readonly Operation[] {
  return entriesOf(paths).flatMap(([path, item]) =>
    verbs.flatMap((verb) => {
      const operation = isObject(item) ? item[verb] : undefined
      return isObject(operation) ? [{ path, verb, operation }] : []
    }),
  )
}

function nameOf({ operationId }: JsonObject): string {
  if (typeof operationId !== 'string') throw new Error('an operation of the API has no operationId')
  return operationId
}

/** How a good answer is read; null where there is nothing but a stream. */
function answersOf({ responses = {} }: JsonObject): 'json' | 'text' | 'nothing' | null {
  const good = entriesOf(responses).filter(([status]) => status.startsWith('2'))
  const types = good.flatMap(([, answer]) => (isObject(answer) ? entriesOf(answer['content'] ?? {}).map(([type]) => type) : []))
  if (types.includes('application/json')) return 'json'
  if (types.includes('text/plain')) return 'text'
  return types.length === 0 ? 'nothing' : null
}

/** Forms (a token exchange) are for those who have no token yet, and no client. */
function takesJson({ requestBody }: JsonObject): boolean {
  return !isObject(requestBody) || entriesOf(requestBody['content'] ?? {}).some(([type]) => type === 'application/json')
}

function isKey(parameter: Json): boolean {
  return isObject(parameter) && (parameter['$ref'] === '#/components/parameters/Idempotency-Key' || parameter['name'] === 'Idempotency-Key')
}

function entriesOf(value: Json): readonly [string, Json][] {
  return isObject(value) ? Object.entries(value) : []
}

/** Examples would be a third of the types; a property of that name stays. */
function withoutExamples(value: JsonObject, names = false): JsonObject {
  const kept = Object.entries(value).filter(([name]) => names || (name !== 'example' && name !== 'examples'))
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutExamplesIn(member, name === 'properties' && !names)]))
}

function withoutExamplesIn(value: Json, names: boolean): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withoutExamplesIn(item, false))
  return isObject(value) ? withoutExamples(value, names) : value
}
