import type { FastifyRequest, FastifySchemaCompiler } from 'fastify'
import { Type, type TSchema } from 'typebox'
import { isObject } from '../../core/json.ts'
import type { FieldError } from '../../core/problem.ts'
import { compileShape, findIllFormedText, type Shape } from '../../core/schema.ts'
import { Refused } from './problems.ts'

type Verdict = { readonly value: unknown } | { readonly error: Error }
type Judge = (data: unknown) => Verdict

/**
 * Fastify's validator compiler: the core's one judge of shapes, so that pointers and words are the same everywhere.
 * Nothing is converted or removed in bodies. A body is null where none was sent.
 */
export const judgeShapes: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if (httpPart === 'body') return judgeBody(schema)
  if (httpPart === 'querystring') return judgeQuery(schema)
  // Headers are parsed where they mean something; their schemas are for OpenAPI.
  return httpPart === 'params' ? judgePath : pass
}

/** For bodies whose content the operation itself judges, with words of its own. */
export const judgeLater: FastifySchemaCompiler<TSchema> = (route) => (route.httpPart === 'body' ? pass : judgeShapes(route))

/** For bodies that another schema judges than the one that OpenAPI shows. */
export function judgeBodyAs(judged: TSchema): FastifySchemaCompiler<TSchema> {
  return (route) => judgeShapes(route.httpPart === 'body' ? { ...route, schema: judged } : route)
}

const nothing = compileShape<object>(Type.Object({}, { additionalProperties: false }))

/** A hook for routes that take no body: an empty one does no harm; one that says something was meant for something else. */
export async function refuseContent(request: Pick<FastifyRequest, 'body'>): Promise<void> {
  const parsed = nothing.parse(request.body ?? {})
  if (!parsed.ok) throw new Refused({ code: 'invalid', errors: parsed.problem })
}

function pass(data: unknown): Verdict {
  return { value: data }
}

const compiled = new WeakMap<object, Shape<unknown>>()

/** Each schema once, however many routes have it: compiling takes milliseconds. */
function shapeOf(schema: TSchema): Shape<unknown> {
  const known = compiled.get(schema) ?? compileShape<unknown>(schema)
  compiled.set(schema, known)
  return known
}

function judgeBody(schema: TSchema): Judge {
  const shape = shapeOf(schema)
  return (data) => {
    const illFormed = findIllFormedText(data)
    if (illFormed.length > 0) return invalid(illFormed)
    const parsed = shape.parse(data)
    return parsed.ok ? { value: parsed.value } : invalid(parsed.problem)
  }
}

/** Query strings are text: what the schema calls a number or a truth value is read as one first, here and nowhere else. */
function judgeQuery(schema: TSchema): Judge {
  const shape = shapeOf(schema)
  const properties: Record<string, unknown> = isObject(schema) && isObject(schema['properties']) ? schema['properties'] : {}
  return (data) => {
    const illFormed = findIllFormedText(data, '/query')
    if (illFormed.length > 0) return invalid(illFormed)
    const entries = Object.entries(isObject(data) ? data : {}).map(([name, value]) => [name, readAs(properties[name], value)] as const)
    const parsed = shape.parse(Object.fromEntries(entries), '/query')
    return parsed.ok ? { value: parsed.value } : invalid(parsed.problem)
  }
}

function readAs(property: unknown, value: unknown): unknown {
  const type = isObject(property) ? property['type'] : undefined
  if (type === 'integer' && typeof value === 'string' && /^\d{1,9}$/.test(value)) return Number(value)
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true'
  return value
}

/** No name or id has characters that are no text, so such a thing does not exist. */
function judgePath(data: unknown): Verdict {
  return findIllFormedText(data).length > 0 ? { error: new Refused({ code: 'not-found' }) } : { value: data }
}

function invalid(errors: readonly FieldError[]): Verdict {
  return { error: new Refused({ code: 'invalid', errors }) }
}
