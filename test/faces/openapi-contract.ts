import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { isObject } from '../../src/core/json.ts'

type Members = Record<string, unknown>

/** The OpenAPI document as something to hold answers against. */
export type Contract = {
  /** What is wrong with an answer, or nothing. `route` is as it is registered: `/v1/requests/:id`. Members that the document does not know are wrong too. */
  judgeAnswer(method: string, route: string, status: number, type: string, body: unknown): readonly string[]
  /** What is wrong with a value for a schema at this pointer of the document. */
  judge(pointer: string, value: unknown): readonly string[]
}

export function contractOf(document: object): Contract {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false, logger: false })
  ajv.addSchema({ $id: 'openapi', ...(closed(document) as Members) })
  const compiled = new Map<string, ValidateFunction>()
  const validate = (pointer: string) => {
    const known = compiled.get(pointer) ?? ajv.compile({ $ref: `openapi#${pointer}` })
    compiled.set(pointer, known)
    return known
  }
  const judge = (pointer: string, value: unknown) => {
    const check = validate(pointer)
    return check(value) ? [] : (check.errors ?? []).map((e) => `${e.instancePath} ${e.message ?? ''} ${JSON.stringify(e.params)}`)
  }
  return {
    judge,
    judgeAnswer(method, route, status, type, body) {
      const path = route.replaceAll(/:(\w+)/g, '{$1}')
      const at = follow(document, ['paths', path, method.toLowerCase(), 'responses', String(status)])
      if (at === null) return [`${method} ${route} does not say that it may answer ${status}`]
      const { value: answer, pointer } = at
      const content = isObject(answer) && isObject(answer['content']) ? answer['content'] : {}
      const media = type.split(';')[0] ?? ''
      if (Object.keys(content).length === 0)
        return body === undefined || body === '' ? [] : [`${method} ${route} says that ${status} has no body`]
      if (!(media in content)) return [`${method} ${route} does not say that ${status} may be ${media}`]
      return judge(`${pointer}/content/${escape(media)}/schema`, body)
    },
  }
}

/** The value at a place, references followed, and where it really stands. */
function follow(document: object, path: readonly string[]): { readonly value: unknown; readonly pointer: string } | null {
  let value: unknown = document
  let pointer = ''
  for (const part of path) {
    if (!isObject(value) || !(part in value)) return null
    value = value[part]
    pointer += `/${escape(part)}`
    if (isObject(value) && typeof value['$ref'] === 'string') {
      pointer = value['$ref'].slice(1)
      value = pointer
        .slice(1)
        .split('/')
        .reduce<unknown>((at, key) => (isObject(at) ? at[key.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined), document)
    }
  }
  return { value, pointer }
}

function escape(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Objects with known members have no others: in the document they may grow, in a test a new one is to be noticed. */
function closed(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => closed(item, key))
  if (!isObject(value) || key === 'examples' || key === 'default') return value
  const inner: Members = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closed(member, name)]))
  // A schema that narrows another (a problem's codes) says nothing about its other members.
  const isObjectSchema =
    inner['type'] === 'object' && isObject(inner['properties']) && !('additionalProperties' in inner) && key !== 'allOf'
  return isObjectSchema ? { ...inner, additionalProperties: false } : inner
}
