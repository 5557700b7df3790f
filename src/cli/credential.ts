/** What the command shows to say who asks. */
export type Credential = {
  readonly from: CredentialSource
  /**
   * The token to send now: a sign-in that is about to end is renewed first. Null: nothing is sent. Throws `NoToken`, or
   * `Unreachable` where whoever gives the token does not answer.
   */
  readonly token: () => Promise<string | null>
}

/** `installation`: the administrator's token that a server on this machine keeps in its data. */
export type CredentialSource = 'PURSER_TOKEN' | 'job' | 'sign-in' | 'installation' | 'nothing'

export const nobody: Credential = { from: 'nothing', token: async () => null }

/** A token that is what it is. */
export function fixedToken(from: CredentialSource, token: string): Credential {
  return { from, token: async () => token }
}

/** There was a way to get a token, and it is over. Its message is for people, and says what to do. */
export class NoToken extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'NoToken'
  }
}
