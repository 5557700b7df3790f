import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashToken, isTokenShaped, makeToken, TOKEN_BYTES } from '../../src/core/token.ts'

test('a token is psr_, 40 characters of chance and 6 of checksum', () => {
  expect(makeToken(randomBytes(TOKEN_BYTES))).toMatch(/^psr_[0-9A-Za-z]{46}$/)
})

test('every token that is made is one, and any one character changed is not', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: TOKEN_BYTES, maxLength: TOKEN_BYTES }),
      fc.nat(45),
      fc.constantFrom('0', 'a', 'Z', '9'),
      (bytes, at, other) => {
        const token = makeToken(bytes)
        const changed = token.slice(0, 4 + at) + other + token.slice(5 + at)

        expect(isTokenShaped(token)).toBe(true)
        expect(isTokenShaped(changed)).toBe(changed === token)
      },
    ),
  )
})

test.each([
  '',
  'psr_',
  'psr_x',
  `PSR_${'0'.repeat(46)}`,
  ` ${makeToken(new Uint8Array(TOKEN_BYTES))}`,
  `${makeToken(new Uint8Array(TOKEN_BYTES))}\n`,
])('%j is no token', (text) => {
  expect(isTokenShaped(text)).toBe(false)
})

test('the hash is SHA-256 of the whole token', () => {
  expect(hashToken('psr_x').toString('hex')).toBe('4d603907811b7d6148be123d4e6585fc99312c15e53f9621bba23ead2f7ac5dd')
})
