import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { compileKubernetesParameters } from '../../src/core/structural/parameters.ts'
import { compileStructural } from '../../src/core/structural/structural.ts'

/** Whoever may ask for a resource sends what they like: no schema of an administrator may turn it into more than the process can bear. */

const alternatives = Array.from({ length: 300 }, (_, i) => ({ minimum: 10 + i }))
const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item)

function structural(schema: object) {
  const compiled = compileStructural(schema as JsonObject)
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problem))
  return compiled.value
}

function parameters(properties: object) {
  const compiled = compileKubernetesParameters({ type: 'object', 'x-kubernetes-map-type': 'granular', properties } as JsonObject)
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problem))
  return compiled.value
}

describe('a long list of faults', () => {
  test.each<[string, JsonObject, number | JsonObject]>([
    ['of no alternative', { type: 'integer', anyOf: alternatives }, 1],
    ['of one of several', { type: 'integer', oneOf: alternatives }, 1],
    ['of the wrong type', { type: 'string' }, 1],
    ['with unknown fields', { type: 'object' }, { a: 1 }],
    ['that break a rule', { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self > 1', message: 'too small' }] }, 1],
  ])('is told of in part: items %s', (_, items, item) => {
    const schema = structural({ type: 'object', properties: { a: { type: 'array', items } } })
    const value: JsonObject = { a: many(100_000, item) }
    const found = [...schema.unknownFields(value), ...schema.validate(value)]

    expect(found.length).toBeGreaterThan(0)
    expect(found.length).toBeLessThan(1_000)
  })

  test('does not make a later alternative look as if it were kept', () => {
    const anyOf = [{ items: { minimum: 2 } }, { items: { minimum: 3 } }]
    const schema = structural({ type: 'object', properties: { a: { type: 'array', items: { type: 'integer' }, anyOf } } })

    expect(schema.validate({ a: many(500, 1) }).length).toBeGreaterThan(0)
    expect(schema.validate({ a: many(500, 4) })).toEqual([])
  })
})

describe('parameters of more than 10,000 values', () => {
  const properties = Object.fromEntries(many(60, 0).map((_, i) => [`d${i}`, { type: 'integer', default: i }]))
  const { withDefaults, validate } = parameters({ a: { type: 'array', items: { type: 'object', properties } } })
  const judged = (count: number) => validate(withDefaults({ a: many(count, {}) }), '/parameters', undefined)

  test.each([
    [20_000, 'asked for'],
    [9_000, 'made by defaults'],
  ])('are refused: %i items, %s', (count) => {
    expect(judged(count)).toEqual([{ pointer: '/parameters', detail: 'has more than 10000 values' }])
  })

  test('are few with their defaults', () => {
    expect(judged(100)).toEqual([])
  })
})
