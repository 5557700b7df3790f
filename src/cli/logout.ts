import { note, type Context } from './context.ts'
import { exits } from './io.ts'
import { failureOf, openIssuer } from './issuer-client.ts'
import { readSignIn, signInFolder, writeSignIn, type SignIn } from './sign-in-file.ts'
import { holdSignIns } from './sign-in-lock.ts'
import { hang } from './text.ts'

/** `purser logout`: what was kept for the server is removed, and its issuer told that it is worth nothing any more. */
export async function logout(context: Context): Promise<number> {
  const { io, settings } = context
  const say = (text: string) => note(context, hang('', text, context.errorView))
  const folder = signInFolder(io)
  const kept = readSignIn(folder, settings.url)
  if (!kept.ok) return refuse(say, kept.problem)
  if (folder === null || kept.value === null) {
    say(`You are not signed in to ${settings.url}.`)
    return exits.reached
  }
  // Read again under the lock: somebody else may have renewed it meanwhile, and the newest is what counts.
  const removed = await holdSignIns(folder, async () => {
    const read = readSignIn(folder, settings.url)
    const written = read.ok ? writeSignIn(folder, settings.url, null) : read
    return written.ok ? read : written
  })
  if (!removed.ok) return refuse(say, removed.problem)
  const unrevoked = removed.value === null ? null : await revoke(removed.value)
  say(`Signed out of ${settings.url}.`)
  if (unrevoked !== null) say(`Its issuer was not told, so a copy of what was kept here stays good for a while. ${unrevoked}`)
  return exits.reached
}

/** Null when the issuer took it back; else why not. */
async function revoke(signIn: SignIn): Promise<string | null> {
  try {
    const { library, config } = await openIssuer(signIn)
    if (config.serverMetadata().revocation_endpoint === undefined) return `${signIn.issuer} takes nothing back.`
    await library.tokenRevocation(config, signIn.refreshToken ?? signIn.accessToken, {
      token_type_hint: signIn.refreshToken === null ? 'access_token' : 'refresh_token',
    })
    return null
  } catch (error) {
    return failureOf(error, signIn.issuer).message
  }
}

function refuse(say: (text: string) => void, problem: string): number {
  say(`${problem}.`)
  return exits.refused
}
