import { ok, refuse, type Result } from '../core/result.ts'
import { note, type Context } from './context.ts'
import { audienceOf, failureOf, namesAudience, type Failure, type Issuer, type Tokens } from './issuer-client.ts'
import { awaitBrowser } from './loopback.ts'
import { openBrowser } from './open-browser.ts'
import { hang, visible } from './text.ts'

/** Code with PKCE: a browser on this machine signs in, and comes back to a port that only this process knows. */
export async function signInByBrowser(context: Context, issuer: Issuer, signal: AbortSignal): Promise<Result<Tokens, Failure>> {
  const { library, config, wanted } = issuer
  const [state, nonce, pkceCodeVerifier] = [library.randomState(), library.randomNonce(), library.randomPKCECodeVerifier()]
  const challenge = await library.calculatePKCECodeChallenge(pkceCodeVerifier)
  return await awaitBrowser({
    state,
    signal,
    begin(redirectUri) {
      const url = library.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: wanted.scopes.join(' '),
        state,
        nonce,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        ...audienceOf(wanted),
        // OpenID Connect gives access beyond the session only to who asks for consent; where scopes are addresses (Entra
        // ID) it is otherwise, and this would send people to an administrator.
        ...(wanted.scopes.includes('offline_access') && !namesAudience(wanted.scopes) ? { prompt: 'consent' } : {}),
      }).href
      note(context, `A browser opens for you to sign in. If none does, open\n\n${visible(url)}\n`)
      openBrowser(url, context.io, () => note(context, 'No browser could be started here: open the address above, or use --device.'))
    },
    async finish(address) {
      return await attempt(wanted.issuer, () =>
        library.authorizationCodeGrant(
          config,
          address,
          { expectedState: state, expectedNonce: nonce, pkceCodeVerifier },
          audienceOf(wanted),
        ),
      )
    },
  })
}

/** Device flow: somebody signs in wherever they have a browser, and types a code there. */
export async function signInByCode(context: Context, issuer: Issuer, signal: AbortSignal): Promise<Result<Tokens, Failure>> {
  const { library, config, wanted } = issuer
  // Not in RFC 8628, whose servers pass over it; Keycloak, told to take no code without PKCE, takes no device without it either.
  const verifier = library.randomPKCECodeVerifier()
  const challenge = await library.calculatePKCECodeChallenge(verifier)
  const asked = { scope: wanted.scopes.join(' '), code_challenge: challenge, code_challenge_method: 'S256', ...audienceOf(wanted) }
  const begun = await attempt(wanted.issuer, () => library.initiateDeviceAuthorization(config, asked))
  if (!begun.ok) return begun
  const { user_code: code, verification_uri: place, verification_uri_complete: whole, expires_in: lifetimeS } = begun.value
  const { errorView: view } = context
  note(context, `Open     ${visible(place)}\nand type ${view.paint('bold', visible(code))}`)
  if (whole !== undefined) note(context, hang('or open  ', visible(whole), view))
  const end = AbortSignal.timeout(lifetimeS * 1_000)
  const waiting = showWaiting(context, lifetimeS)
  try {
    return await attempt(wanted.issuer, () =>
      library.pollDeviceAuthorizationGrant(
        config,
        begun.value,
        { code_verifier: verifier, ...audienceOf(wanted) },
        { signal: AbortSignal.any([signal, end]) },
      ),
    )
  } finally {
    waiting.close()
  }
}

/** What an issuer gives, or why it does not. */
async function attempt<T>(issuer: string, ask: () => Promise<T>): Promise<Result<T, Failure>> {
  try {
    return ok(await ask())
  } catch (error) {
    return refuse(failureOf(error, issuer))
  }
}

/** On a terminal how long the code is good, in a line that is written over and goes away. */
function showWaiting({ io }: Context, lifetimeS: number): { close(): void } {
  if (io.stderr.isTTY !== true) {
    io.stderr.write(`Waiting for you there, up to ${Math.ceil(lifetimeS / 60)} minutes …\n`)
    return { close: () => undefined }
  }
  const end = performance.now() + lifetimeS * 1_000
  const show = () => {
    const leftS = Math.max(0, Math.round((end - performance.now()) / 1_000))
    const left = `${Math.floor(leftS / 60)}:${String(leftS % 60).padStart(2, '0')}`
    io.stderr.write(`\r\x1b[2KWaiting for you there, ${left} left (Ctrl-C gives up)`)
  }
  show()
  const timer = setInterval(show, 1_000)
  return {
    close() {
      clearInterval(timer)
      io.stderr.write('\r\x1b[2K')
    },
  }
}
