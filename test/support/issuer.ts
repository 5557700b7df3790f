import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, importJWK, SignJWT, type JWK, type JWTHeaderParameters } from 'jose'
import Provider, { type Configuration } from 'oidc-provider'
import { isObject } from '../../src/core/json.ts'
import { issuerMemory } from './issuer-memory.ts'
import { remember, rememberAnswer } from './made-secrets.ts'

/**
 * A real issuer (`oidc-provider`) over HTTP on 127.0.0.1, in this process. Any login name is an account whose `sub` is the
 * name; until a test says something else its e-mail is `<name>@example.com`, verified, and it is in no group. Consent is
 * given without asking. Clients:
 *
 *     purser-cli   public: device flow; code with PKCE, redirect http://127.0.0.1:<any port>/callback; refresh tokens
 *     robot        secret `robot-secret`: client credentials
 *
 * Access tokens are JWTs (ES256, whose keys are made at once, or RS256; typ at+jwt) with the audience `purser`, whether or not a client asks for a resource, and
 * with email, email_verified and groups in them.
 */
export type TestIssuer = {
  /** The issuer's name, as OIDC_ISSUER takes it. */
  readonly url: string
  /** What it says from now on about who signs in under a name. */
  person(login: string, claims: PersonClaims): void
  /** At once, an access token as it would issue it; `claims` take the place of its own, null leaves one out. */
  token(login: string, claims?: Claims, header?: Partial<JWTHeaderParameters>): Promise<string>
  /** Any claims, signed by its current key: the ID token of a CI job. `iss`, `iat`, `exp` and `jti` are added. */
  sign(claims: Claims, header?: Partial<JWTHeaderParameters>): Promise<string>
  /** Signs in with code and PKCE as a browser would, over HTTP. */
  signIn(login: string): Promise<Tokens>
  /** Signs with a new key from now on. The one before stays published unless it is retired. */
  rotate(options?: { readonly retire: boolean }): Promise<void>
  /** Nobody answers, until `start`. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Method and path of whatever was asked. */
  readonly asked: string[]
  /** Its keys, private halves too: for those who forge. */
  readonly keys: () => readonly JWK[]
}

export type PersonClaims = { readonly email?: string | null; readonly email_verified?: unknown; readonly groups?: readonly unknown[] }
export type Claims = Readonly<Record<string, unknown>>
export type Tokens = { readonly access_token: string; readonly id_token: string; readonly refresh_token: string }

export type TestIssuerOptions = {
  /** Seconds that a device waits before it asks again. */
  readonly interval?: number
  /** Seconds until an access token expires. */
  readonly lifetime?: number
  /** 0 and nothing: a free one. */
  readonly port?: number
  /** What it signs with; ES256 when left out. */
  readonly alg?: 'ES256' | 'RS256'
}

/** Starts one. Whoever does stops it, in a hook. */
export async function startIssuer({
  lifetime = 3_600,
  port = 0,
  interval = 0.05,
  alg = 'ES256',
}: TestIssuerOptions = {}): Promise<TestIssuer> {
  let server = await listen(port)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // It listens on TCP.
  const people = new Map<string, PersonClaims>()
  const asked: string[] = []
  const claimsOf = (login: string) => ({ email: `${login}@example.com`, email_verified: true, groups: [], ...people.get(login) })
  let keys: readonly JWK[] = [await makeKey(alg)]
  let provider: Provider
  const adapter = issuerMemory()
  const restart = () => {
    provider = new Provider(url, { adapter, ...configurationOf(keys, lifetime, claimsOf) })
    // By itself it names no interval, which is five seconds.
    provider.use(async (ctx, next) => {
      await next()
      const body: unknown = ctx.body
      rememberAnswer(body)
      if (ctx.path === '/device/auth' && isObject(body)) ctx.body = { ...body, interval }
    })
  }
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    asked.push(`${request.method} ${request.url}`)
    const [, room, uid] = (request.url ?? '').split('/')
    if (room === 'interaction' && uid !== undefined) void interact(provider, request, response)
    else void provider.callback()(request, response)
  }
  restart()
  server.on('request', answer)

  async function sign(claims: Claims, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    const [key] = keys
    if (key === undefined) throw new Error('an issuer has a key')
    const now = Math.floor(Date.now() / 1_000)
    const all = { iss: url, iat: now, exp: now + lifetime, jti: randomUUID(), ...claims }
    const present = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
    const signing = new SignJWT(present).setProtectedHeader({ alg, kid: key.kid, ...header } as JWTHeaderParameters)
    return remember(await signing.sign(await importJWK(key)))
  }

  return {
    url,
    asked,
    keys: () => keys,
    person: (login, claims) => void people.set(login, claims),
    sign,
    token: (login, claims = {}, header = {}) =>
      sign(
        { sub: login, aud: 'purser', client_id: 'purser-cli', scope: 'purser', ...claimsOf(login), ...claims },
        { typ: 'at+jwt', ...header },
      ),
    signIn: (login) => signIn(url, login),
    async rotate({ retire } = { retire: false }) {
      keys = [await makeKey(alg), ...(retire ? [] : keys)]
      restart()
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
    async start() {
      server = await listen(Number(new URL(url).port))
      server.on('request', answer)
    },
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function makeKey(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), kid: randomUUID(), alg, use: 'sig' }
}

/** Any resource will do, so that clients need not name one. */
const RESOURCE = 'urn:purser'

function configurationOf(keys: readonly JWK[], lifetime: number, claimsOf: (login: string) => Claims): Configuration {
  const alg = keys[0]?.alg === 'RS256' ? 'RS256' : 'ES256'
  return {
    clientDefaults: { id_token_signed_response_alg: alg },
    jwks: { keys: [...keys] } as NonNullable<Configuration['jwks']>,
    cookies: { keys: ['only for tests'] },
    clients: [
      {
        client_id: 'purser-cli',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/callback', 'http://127.0.0.1/'],
      },
      {
        client_id: 'robot',
        client_secret: 'robot-secret',
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
    scopes: ['openid', 'offline_access', 'email', 'groups'],
    findAccount: (_ctx, login) => ({ accountId: login, claims: async () => ({ sub: login, ...claimsOf(login) }) }),
    extraTokenClaims: (_ctx, token) => ('accountId' in token && token.accountId !== undefined ? claimsOf(token.accountId) : {}),
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    async loadExistingGrant(ctx) {
      const { client, session, provider } = ctx.oidc
      const known = client === undefined ? undefined : session?.grantIdFor(client.clientId)
      if (known !== undefined) return provider.Grant.find(known)
      const grant = new provider.Grant({ clientId: client?.clientId, accountId: session?.accountId })
      grant.addOIDCScope('openid email groups offline_access')
      grant.addResourceScope(RESOURCE, 'purser')
      await grant.save()
      return grant
    },
    features: {
      devInteractions: { enabled: false },
      // Pages of its own, without the notices that it else prints. The forms are the library's.
      deviceFlow: {
        enabled: true,
        userCodeInputSource: async (ctx, form, _out, error) => {
          ctx.body = `<!doctype html><title>Code</title>${error === undefined ? '' : '<p>Try again</p>'}${form}`
        },
        userCodeConfirmSource: async (ctx, form) => {
          ctx.body = `<!doctype html><title>Confirm</title>${form}<button id="confirm" type="submit" form="op.deviceConfirmForm">Go on</button>`
        },
        successSource: async (ctx) => {
          ctx.body = '<!doctype html><title>Done</title><p id="done">Go back to your device</p>'
        },
      },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          audience: 'purser',
          scope: 'purser',
          accessTokenFormat: 'jwt',
          accessTokenTTL: lifetime,
          jwt: { sign: { alg } },
        }),
      },
    },
    ttl: {
      AccessToken: lifetime,
      Session: 3_600,
      Grant: 3_600,
      IdToken: 600,
      ClientCredentials: lifetime,
      DeviceCode: 600,
      Interaction: 600,
      RefreshToken: 3_600,
    },
  }
}

/** The login page: a field `login`, a button `#sign-in`, and one `#deny` that gives up. */
async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { prompt } = await provider.interactionDetails(request, response)
  // Native clients are always asked about.
  if (prompt.name === 'consent') return provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true })
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(
      `<!doctype html><title>Sign in</title><form method="post"><input name="login" autofocus>
       <button id="sign-in">Sign in</button><button id="deny" name="deny" value="1">No</button></form>`,
    )
    return
  }
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const form = new URLSearchParams(Buffer.concat(chunks).toString())
  const result = form.has('deny') ? { error: 'access_denied' } : { login: { accountId: form.get('login') ?? '' } }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}

async function signIn(url: string, login: string): Promise<Tokens> {
  const verifier = randomBytes(32).toString('base64url')
  const redirect = 'http://127.0.0.1:1/callback'
  const query = new URLSearchParams({
    client_id: 'purser-cli',
    response_type: 'code',
    redirect_uri: redirect,
    scope: 'openid email groups offline_access',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const cookies = new Map<string, string>()
  let at = new URL(`${url}/auth?${query.toString()}`)
  let body: URLSearchParams | null = null
  while (!at.href.startsWith(redirect)) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer: Response = await fetch(at, {
      redirect: 'manual',
      headers: { cookie },
      ...(body === null ? {} : { method: 'POST', body }),
    })
    for (const set of answer.headers.getSetCookie()) {
      const [pair = ''] = set.split(';')
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    const next = answer.headers.get('location')
    // A page: the one that asks who it is.
    body = next === null ? new URLSearchParams({ login }) : null
    if (answer.status >= 400) throw new Error(`${at.href} answered ${answer.status}: ${await answer.text()}`)
    if (next !== null) at = new URL(next, at)
  }
  const code = at.searchParams.get('code')
  if (code === null) throw new Error(`no code: ${at.search}`)
  const answer = await fetch(`${url}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'purser-cli',
      code,
      redirect_uri: redirect,
      code_verifier: verifier,
    }),
  })
  if (answer.status !== 200) throw new Error(`/token answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Tokens // As RFC 6749 and the flow above have it.
}
