import type { Issuers } from '../../src/operations/ports.ts'

const issuer = 'https://id.example.com'

/** An issuer that vouches for whomever a token names: how tokens are verified is another test's matter. */
export const vouching: Issuers = {
  configured: [issuer],
  async verifyAccessToken(token) {
    const { sub, email } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, string>
    const expiresAt = new Date(Date.now() + 3_600_000)
    return { kind: 'vouched', vouched: { issuer, subject: sub ?? '', email: email ?? null, groups: [], expiresAt, claims: {} } }
  },
  verifyJobToken: async () => ({ kind: 'refused', reason: 'There are no jobs here.' }),
  close: () => undefined,
}

/** What somebody shows who is signed in there. */
export function signedIn(email: string): string {
  return `e30.${Buffer.from(JSON.stringify({ iss: issuer, sub: email, email })).toString('base64url')}.c2ln`
}
