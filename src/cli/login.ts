import { isLoopbackHost } from '../core/addresses.ts'
import { isObject } from '../core/json.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { choose, openAsker } from './ask.ts'
import { connect } from './client.ts'
import { note, print, refused, type Context } from './context.ts'
import { fixedToken, nobody } from './credential.ts'
import { clock, exits } from './io.ts'
import { failureOf, openIssuer, signInOf, type Failure, type Issuer, type Tokens, type Wanted } from './issuer-client.ts'
import { signInByBrowser, signInByCode } from './login-flows.ts'
import { hasBrowser } from './open-browser.ts'
import { openSignInFolder, signInFolder, signInPath, writeSignIn, type SignIn } from './sign-in-file.ts'
import { holdSignIns } from './sign-in-lock.ts'
import { hang, paragraphs, visible } from './text.ts'
import { asMe, describeStanding, type MeAnswer } from './whoami.ts'

export type LoginOptions = {
  readonly browser?: true
  readonly device?: true
  readonly issuer?: string
  /** Milliseconds. */
  readonly timeout: number
}

/** `purser login`: a person signs in at an issuer of the server's choice, and the server says whom it sees. */
export async function login(context: Context, options: LoginOptions): Promise<number> {
  const { settings, io } = context
  const folder = signInFolder(io)
  if (folder === null) return say(context, exits.refused, 'There is no place to keep a sign-in: set HOME, or XDG_CONFIG_HOME.')
  if (!isSafe(settings.url))
    return say(
      context,
      exits.usage,
      `A sign-in goes to ${settings.url} unencrypted, where anybody on the way can read it. Use its https address in PURSER_URL.`,
    )
  const wanted = await findIssuer(context, options)
  if ('exit' in wanted) return wanted.exit

  const ending = openEnding(context, options.timeout)
  try {
    const tokens = await signIn(context, wanted, options, ending.signal)
    if (!tokens.ok) return say(context, exitOfFailure(tokens.problem), tokens.problem.message)
    return await keep(context, folder, tokens.value.wanted, tokens.value.tokens)
  } finally {
    ending.close()
  }
}

async function signIn(
  context: Context,
  wanted: Wanted,
  options: LoginOptions,
  signal: AbortSignal,
): Promise<Result<{ readonly wanted: Wanted; readonly tokens: Tokens }, Failure>> {
  let issuer: Issuer
  try {
    issuer = await openIssuer(wanted)
  } catch (error) {
    return refuse(failureOf(error, wanted.issuer))
  }
  const offersCodes = issuer.config.serverMetadata().device_authorization_endpoint !== undefined
  if (options.device === true && !offersCodes)
    return refuse({ kind: 'refused', message: `${wanted.issuer} has no sign-in for devices. Use --browser on a machine with a browser.` })
  const byBrowser = options.browser === true || (options.device !== true && (hasBrowser(context.io) || !offersCodes))
  note(context, `Signing in to ${context.settings.url} at ${visible(wanted.issuer)}`)
  const tokens = await (byBrowser ? signInByBrowser : signInByCode)(context, issuer, signal)
  if (tokens.ok) return ok({ wanted: issuer.wanted, tokens: tokens.value })
  // Whatever was going on when it ended, that is why.
  return refuse(signal.aborted ? (signal.reason as Failure) : tokens.problem) // By `openEnding`.
}

/** Only what the server takes is kept. */
async function keep(context: Context, folder: string, wanted: Wanted, tokens: Tokens): Promise<number> {
  const { io, settings } = context
  const signIn = signInOf(wanted, tokens, clock(io))
  const call = connect({ ...settings, credential: fixedToken('sign-in', signIn.accessToken), onBehalfOf: null }, io)
  const me = await call({ method: 'GET', path: '/v1/me', repeatable: true })
  if (!me.ok) {
    if (me.refusal.status !== 401) return await refused(context, me.refusal)
    const { detail } = visible(me.refusal.problem)
    const why = typeof detail === 'string' ? ` ${detail}` : ''
    return say(
      context,
      exits.refused,
      `${visible(wanted.issuer)} signed you in, but ${settings.url} does not take its token.${why} Whoever runs the two has to look at it.`,
    )
  }
  const opened = openSignInFolder(folder)
  if (!opened.ok) return say(context, exits.refused, `${opened.problem}, so that no sign-in can be kept.`)
  const written = await holdSignIns(folder, async () => writeSignIn(folder, settings.url, signIn))
  if (!written.ok) return say(context, exits.refused, `${written.problem}, so that no sign-in can be kept.`)
  await print(context, present(asMe(me.body), signIn, settings.url), (shown, view) =>
    paragraphs(
      view.paint('green', `Signed in as ${shown.subject}`),
      describeStanding(shown, view),
      hang('', `Kept in ${signInPath(folder)}${shown.renewed ? '' : `, until ${shown.expiresAt}: its issuer renews nothing`}`, view),
    ),
  )
  if (io.env.PURSER_TOKEN !== undefined)
    note(context, hang('', 'PURSER_TOKEN is set, and goes before this sign-in until it is unset.', context.errorView))
  return exits.reached
}

function present(me: MeAnswer, { issuer, expiresAt, refreshToken }: SignIn, server: string) {
  return {
    server,
    issuer,
    subject: me.subject,
    platformRoles: me.platformRoles,
    teams: me.teams,
    expiresAt,
    renewed: refreshToken !== null,
  }
}

/** What the server says of where to sign in, with one issuer chosen. */
async function findIssuer(context: Context, options: LoginOptions): Promise<Wanted | { readonly exit: number }> {
  const { settings, io } = context
  const call = connect({ ...settings, credential: nobody, onBehalfOf: null }, io)
  const answer = await call({ method: 'GET', path: '/.well-known/oauth-protected-resource', repeatable: true })
  if (!answer.ok) {
    if (answer.refusal.status !== 404) return { exit: await refused(context, answer.refusal) }
    return stop(
      context,
      exits.refused,
      `Nobody signs in to ${settings.url}: it has no OIDC issuer. Set PURSER_TOKEN to a token that its administrator gives you, or let them set OIDC_ISSUER there.`,
    )
  }
  const told = parseMetadata(answer.body)
  if (told === null)
    return stop(context, exits.refused, `${settings.url} says where to sign in, but not in a way that this version understands.`)
  // What is asked for at the issuer is for that server: one that says that it is another is not given it.
  if (new URL(told.resource).host !== new URL(settings.url).host)
    return stop(
      context,
      exits.refused,
      visible(
        `${settings.url} says that it is ${told.resource}. Set PURSER_URL to that, or let the proxy before it pass on the Host header.`,
      ),
    )
  const issuer = await chooseIssuer(context, told.issuers, options.issuer)
  if (typeof issuer !== 'string') return issuer
  if (!isSafe(issuer))
    return stop(context, exits.refused, visible(`The issuer ${issuer} is no https address, so nobody can be sure who it is.`))
  return { issuer, clientId: told.clientId, audience: told.audience, scopes: told.scopes }
}

async function chooseIssuer(
  context: Context,
  issuers: readonly string[],
  chosen: string | undefined,
): Promise<string | { readonly exit: number }> {
  const [only] = issuers
  if (chosen !== undefined) {
    const bare = (issuer: string) => issuer.replace(/\/$/, '')
    return (
      issuers.find((issuer) => bare(issuer) === bare(chosen)) ??
      stop(context, exits.usage, visible(`The server knows no issuer ${chosen}; it knows ${issuers.join(', ')}.`))
    )
  }
  if (issuers.length === 1 && only !== undefined) return only
  const asker = openAsker(context)
  if (asker === null)
    return stop(context, exits.usage, visible(`The server knows several issuers: name one with --issuer, of ${issuers.join(', ')}.`))
  try {
    return (await choose(asker, 'Issuer', issuers)) ?? stop(context, exits.refused, 'Nothing was chosen, so nobody is signed in.')
  } finally {
    asker.close()
  }
}

type Told = {
  readonly resource: string
  readonly issuers: readonly string[]
  readonly scopes: readonly string[]
  readonly clientId: string
  readonly audience: string
}

function parseMetadata(body: unknown): Told | null {
  if (!isObject(body)) return null
  const { resource, authorization_servers: issuers, scopes_supported: scopes, purser_client_id: clientId, purser_audience: audience } = body
  if (typeof resource !== 'string' || !URL.canParse(resource) || typeof clientId !== 'string' || typeof audience !== 'string') return null
  if (!isTexts(issuers) || !isTexts(scopes) || issuers.length === 0 || !issuers.every((issuer) => URL.canParse(issuer))) return null
  return { resource, issuers, scopes, clientId, audience }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

/** Encrypted on its way, or on no way at all. */
function isSafe(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))
}

/** What ends the waiting: too much time, or Ctrl-C. */
function openEnding({ io }: Context, timeoutMs: number): { readonly signal: AbortSignal; close(): void } {
  const controller = new AbortController()
  const end = (failure: Failure) => controller.abort(failure)
  const timer = setTimeout(() => end({ kind: 'expired', message: 'Nobody signed in in time. Start again: purser login' }), timeoutMs)
  const release = io.onInterrupt?.(() =>
    end({ kind: 'interrupted', message: 'Given up: nobody is signed in, and what was kept before is as it was.' }),
  )
  return {
    signal: controller.signal,
    close() {
      clearTimeout(timer)
      release?.()
    },
  }
}

function exitOfFailure({ kind }: Failure): number {
  return kind === 'expired' ? exits.timedOut : exits.refused
}

function say(context: Context, exit: number, text: string): number {
  note(context, hang('', text, context.errorView))
  return exit
}

function stop(context: Context, exit: number, text: string): { readonly exit: number } {
  return { exit: say(context, exit, text) }
}
