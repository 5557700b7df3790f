import { createHash } from 'node:crypto'

/**
 * Tokens are `psr_`, 40 characters of chance, and 6 of checksum, all base62. The prefix lets scanners find a leaked one;
 * the checksum tells a mistyped one from a revoked one without asking the database.
 */
const PREFIX = 'psr_'
const RANDOM = 40
const CHECKSUM = 6
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** How many random bytes a token is made from: enough that the remainder by 62^40 is as good as uniform. */
export const TOKEN_BYTES = 48

/** A token from TOKEN_BYTES random bytes. */
export function makeToken(random: Uint8Array): string {
  if (random.length !== TOKEN_BYTES) throw new Error(`A token takes ${TOKEN_BYTES} random bytes`)
  const body = base62(random, RANDOM)
  return `${PREFIX}${body}${checksum(body)}`
}

/** Whether it has a token's form and checksum; says nothing about whether anybody issued it. */
export function isTokenShaped(text: string): boolean {
  const match = /^psr_([0-9A-Za-z]{40})([0-9A-Za-z]{6})$/.exec(text)
  return match !== null && checksum(match[1] ?? '') === match[2]
}

/** What is stored of a token. Its 238 bits of chance need no salt and no slow hash. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function checksum(body: string): string {
  return base62(createHash('sha256').update(PREFIX).update(body).digest(), CHECKSUM)
}

function base62(bytes: Uint8Array, length: number): string {
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (let i = 0; i < length; i++) {
    text += alphabet.charAt(Number(rest % 62n))
    rest /= 62n
  }
  return text
}
