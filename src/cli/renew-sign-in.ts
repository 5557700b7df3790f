import { Unreachable } from './client.ts'
import { NoToken } from './credential.ts'
import { clock, type Io } from './io.ts'
import { failureOf, openIssuer, signInOf, audienceOf, type Failure } from './issuer-client.ts'
import { readSignIn, writeSignIn, type SignIn } from './sign-in-file.ts'
import { holdSignIns } from './sign-in-lock.ts'
import { isFresh } from './signed-in.ts'

/** One process renews; those that waited for it find what it brought. */
export async function renewSignIn(folder: string, url: string, io: Io): Promise<SignIn> {
  return await holdSignIns(folder, async () => {
    const read = readSignIn(folder, url)
    if (!read.ok) throw new NoToken(`${read.problem}.`)
    const before = read.value
    if (before === null) throw new NoToken(`You signed out of ${url} meanwhile. To sign in: purser login`)
    if (isFresh(before, io)) return before
    if (before.refreshToken === null) return stillGood(before, io) ?? end(url, before)

    const answer = await ask(before, before.refreshToken, io)
    if ('signIn' in answer) {
      keep(folder, url, answer.signIn)
      return answer.signIn
    }
    if (answer.failure.kind !== 'over') return stillGood(before, io) ?? give(answer.failure)
    // Not removed: without it the command would be somebody else without a word, where this machine has another token.
    keep(folder, url, { ...before, refreshToken: null })
    return end(url, before)
  })
}

async function ask(before: SignIn, refreshToken: string, io: Io): Promise<{ readonly signIn: SignIn } | { readonly failure: Failure }> {
  try {
    const { library, config } = await openIssuer(before)
    const tokens = await library.refreshTokenGrant(config, refreshToken, audienceOf(before))
    return { signIn: signInOf(before, tokens, clock(io), before) }
  } catch (error) {
    return { failure: failureOf(error, before.issuer) }
  }
}

function keep(folder: string, url: string, signIn: SignIn): void {
  const written = writeSignIn(folder, url, signIn)
  if (!written.ok) throw new NoToken(`${written.problem}, so your sign-in is lost. Make room there, and sign in again: purser login`)
}

/** What an issuer that is away for a moment does not take from anybody. */
function stillGood(before: SignIn, io: Io): SignIn | null {
  return clock(io) < Date.parse(before.expiresAt) ? before : null
}

function end(url: string, { issuer, who }: SignIn): never {
  throw new NoToken(`The sign-in of ${who} to ${url} is over at ${issuer}. Sign in again: purser login`)
}

function give({ kind, message }: Failure): never {
  if (kind === 'unreachable') throw new Unreachable(message, false)
  throw new NoToken(`Your sign-in cannot be renewed. ${message} Sign in again: purser login`)
}
