import fc from 'fast-check'
import { expect, test } from 'vitest'
import { negotiate } from '../../src/faces/http/accept.ts'
import { parseIdempotencyKey } from '../../src/faces/http/idempotency-key.ts'
import { parseWait } from '../../src/faces/http/prefer.ts'
import { requestIdOf } from '../../src/faces/http/request-id.ts'

const printable = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 255,
})

test('every printable key arrives as it is when it is quoted', () => {
  fc.assert(
    fc.property(printable, (key) => {
      const quoted = `"${key.replaceAll(/["\\]/g, String.raw`\$&`)}"`

      expect(parseIdempotencyKey(quoted)).toEqual({ ok: true, value: key })
    }),
  )
})

test('a key means the same quoted and bare', () => {
  expect(parseIdempotencyKey('8e03978e-40d5-43dd-bc93-6894a57f9324')).toEqual(parseIdempotencyKey('"8e03978e-40d5-43dd-bc93-6894a57f9324"'))
  expect(parseIdempotencyKey(undefined)).toEqual({ ok: true, value: null })
})

test.each([
  ['', 'nothing'],
  ['""', 'nothing in quotes'],
  ['"open', 'an open quote'],
  ['"a" "b"', 'two keys'],
  ['"a", "b"', 'the header sent twice'],
  [String.raw`"a\b"`, 'an escape that is none'],
  ['ключ', 'no ASCII'],
  ['a'.repeat(256), 'too long'],
  [`"${'a'.repeat(256)}"`, 'too long in quotes'],
])('a key that is none is refused, never cut or guessed: %s (%s)', (header) => {
  expect(parseIdempotencyKey(header)).toMatchObject({ ok: false, problem: { code: 'malformed' } })
})

test.each([
  ['wait=10', 10],
  ['respond-async, wait=5; foo=bar', 5],
  ['WAIT = "7"', 7],
  ['wait=3600', 30],
  ['wait=0', 0],
  ['wait', null],
  ['wait=soon', null],
  ['wait=-1', null],
  ['handling=strict', null],
  [undefined, null],
])('Prefer: %s waits %s seconds', (header, seconds) => {
  expect(parseWait(header)).toBe(seconds)
})

const both = ['application/json', 'application/yaml']

test.each([
  [undefined, 'application/json'],
  ['*/*', 'application/json'],
  ['application/yaml', 'application/yaml'],
  ['application/yaml, application/json', 'application/json'],
  ['application/json;q=0.5, application/yaml', 'application/yaml'],
  ['application/*;q=0.9, application/json;q=0.1', 'application/yaml'],
  ['text/html, */*;q=0.1', 'application/json'],
  ['APPLICATION/YAML; charset=utf-8', 'application/yaml'],
  ['text/html', null],
  ['application/json;q=0, application/yaml;q=0', null],
  ['application/json;q=2', null],
])('Accept: %s is answered as %s', (accept, format) => {
  expect(negotiate(accept, both)).toBe(format)
})

test('a request id of the caller is kept only where it can stand in a header and a log line', () => {
  expect(requestIdOf({ headers: { 'x-request-id': 'Build-42.a_b' } })).toBe('Build-42.a_b')
  for (const id of ['', 'a b', 'a\nb', '{"a":1}', 'a'.repeat(129)])
    expect(requestIdOf({ headers: { 'x-request-id': id } })).toMatch(/^[0-9a-f-]{36}$/)
})
