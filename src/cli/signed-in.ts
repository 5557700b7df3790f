import type { Credential } from './credential.ts'
import { clock, type Io } from './io.ts'
import type { SignIn } from './sign-in-file.ts'

/** Who signed in, for as long as the issuer renews it. Most commands renew nothing, and so load nothing that does. */
export function signedIn(folder: string, url: string, found: SignIn, io: Io): Credential {
  let current = found
  let renewal: Promise<SignIn> | null = null
  const renew = async () => {
    const { renewSignIn } = await import('./renew-sign-in.ts')
    return await renewSignIn(folder, url, io)
  }
  return {
    from: 'sign-in',
    async token() {
      if (isFresh(current, io)) return current.accessToken
      renewal ??= renew().finally(() => (renewal = null))
      current = await renewal
      return current.accessToken
    },
  }
}

export function isFresh({ refreshAt }: SignIn, io: Io): boolean {
  return clock(io) < Date.parse(refreshAt)
}
