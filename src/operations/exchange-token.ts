import { newId } from '../core/ids.ts'
import { digest, type JsonObject } from '../core/json.ts'
import { ok, type Result } from '../core/result.ts'
import { findIllFormedText } from '../core/schema.ts'
import {
  audiencesOf,
  parseExchange,
  peekClaims,
  refuseExchange,
  type ExchangeRefusal,
  type ExchangeRequest,
} from '../core/token-exchange.ts'
import { MAX_MINUTES, scopesOf, takes, withRead, type JobScope } from '../core/trust.ts'
import { exchangeToken as exchangeInStore, readTrustsOf, type TrustRecord } from '../store/exchanges.ts'
import type { Context } from './context.ts'
import type { Issuers, TokenSigner, Vouched } from './ports.ts'
import { openRecent, type Recent } from './recent.ts'

/**
 * A CI job's token for a short-lived one of Purser's own, by the Trust that takes it (RFC 8693). Nobody has to be somebody
 * before: the job's token says who it is. Each is taken once, and the exchange is an event.
 */
export type Granted = {
  readonly accessToken: string
  readonly issuedTokenType: string
  readonly expiresInS: number
  readonly scopes: readonly JobScope[]
}

type Outcome<T> = Result<T, ExchangeRefusal>

/** A Trust that moves on between the look and the exchange is looked at again. */
const MAX_ROUNDS = 3
/** A token that lives longer is a standing secret. GitLab's live as long as a job may run. */
const MAX_LIFE_S = 24 * 60 * 60
/** What clocks may differ by, so that a token that is remembered is over for whoever verifies it too. */
const SKEW_MS = 60_000

export async function exchangeToken(context: Context, form: URLSearchParams): Promise<Outcome<Granted>> {
  const asked = parseExchange(form)
  if (!asked.ok) return asked
  const { issuers, tokenSigner } = context
  if (tokenSigner === null || issuers === null)
    return refuseExchange('temporarily_unavailable', 'This installation signs no tokens: whoever runs it has to set PURSER_KEY.', {
      retryAfterS: 60,
    })
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const chosen = await chooseTrust(context, issuers, asked.value)
    if (!chosen.ok) return chosen
    const granted = await grant(context, tokenSigner, asked.value, chosen.value)
    if (granted !== 'stale') return granted
  }
  return refuseExchange('temporarily_unavailable', 'The Trust is being changed. Try again.', { retryAfterS: 1 })
}

function notTaken(description: string): ReturnType<typeof refuseExchange> {
  return refuseExchange('invalid_request', description, { failedAuthentication: true })
}

type Chosen = { readonly trust: TrustRecord; readonly vouched: Vouched }

/** The one Trust that takes the token. What Trusts there are, only who has a true token of their issuer learns anything of. */
async function chooseTrust(context: Context, issuers: Issuers, { subjectToken, trust: named }: ExchangeRequest): Promise<Outcome<Chosen>> {
  const peeked = peekClaims(subjectToken)
  const issuer = peeked?.['iss']
  if (peeked === null || typeof issuer !== 'string') return notTaken('subject_token is no JWT with an issuer.')
  const trusts = findIllFormedText(issuer).length > 0 ? [] : await readTrustsOf(context.database.pool, issuer)
  const said = audiencesOf(peeked)
  const audience = (trusts.find(({ document }) => said.includes(document.spec.audience)) ?? trusts[0])?.document.spec.audience
  if (audience === undefined) return notTaken(`No Trust of this installation takes tokens of the issuer ${issuer.slice(0, 200)}.`)

  const verdict = await issuers.verifyJobToken(subjectToken, issuer, audience)
  if (verdict.kind === 'unreachable')
    return refuseExchange('temporarily_unavailable', 'The keys of the issuer cannot be had at the moment.', {
      retryAfterS: verdict.retryAfterS,
    })
  if (verdict.kind === 'refused') return notTaken(verdict.reason)
  const { vouched } = verdict
  const wrong =
    wrongLife(vouched, context.now()) ??
    (findIllFormedText(vouched.claims).length > 0 ? 'The token has characters that are no text.' : null)
  if (wrong !== null) return notTaken(wrong)
  const audiences = audiencesOf(vouched.claims)
  const taking = trusts.filter(
    ({ document, revision }) =>
      (named === null || document.metadata.name === named) &&
      audiences.includes(document.spec.audience) &&
      takes(sameDocument(context, { document, revision }), vouched.claims),
  )
  const [trust, ...others] = taking
  if (trust === undefined)
    return notTaken(
      `${named === null ? 'No Trust of this installation takes' : 'The Trust that is named does not take'} this token. ${described(issuer, vouched.claims)}`,
    )
  if (others.length > 0)
    return refuseExchange('invalid_request', 'More than one Trust takes this token. Say which one is meant, by its name: trust=…')
  return ok({ trust, vouched })
}

/** For whoever wonders which claim differs: what the token has, and not what it should have. */
function described(issuer: string, claims: JsonObject): string {
  const names = Object.keys(claims)
    .filter((name) => /^[\w./:-]{1,64}$/.test(name))
    .sort()
    .slice(0, 60)
  return `It is of ${issuer.slice(0, 200)}, and its claims are ${names.join(', ')}. Compare them with what the expression (when) asks for.`
}

function wrongLife({ expiresAt, claims }: Vouched, now: Date): string | null {
  const issued = typeof claims['iat'] === 'number' ? claims['iat'] * 1_000 : now.getTime()
  const lifeMs = expiresAt.getTime() - Math.min(issued, now.getTime())
  return lifeMs > MAX_LIFE_S * 1_000 + SKEW_MS ? 'The token lives longer than a day, so it is no token of one job.' : null
}

async function grant(
  context: Context,
  signer: TokenSigner,
  { subjectToken, scopes: asked, issuedTokenType }: ExchangeRequest,
  { trust, vouched }: Chosen,
): Promise<Outcome<Granted> | 'stale'> {
  const { document, revision } = trust
  const { name } = document.metadata
  const { serviceAccount, minutes = MAX_MINUTES } = document.spec
  const most = scopesOf(document)
  const scopes = asked === null ? most : withRead(asked)
  const beyond = scopes.find((scope) => !most.includes(scope))
  if (beyond !== undefined)
    return refuseExchange('invalid_scope', `The Trust does not give the scope ${beyond}; it gives ${most.join(' ')}.`)

  const id = newId('token')
  const expiresInS = Math.min(minutes, MAX_MINUTES) * 60
  const expiresAt = new Date(context.now().getTime() + expiresInS * 1_000)
  const jti = identityOf(subjectToken, vouched.claims)
  const outcome = await exchangeInStore(context.database.pool, {
    trust: name,
    revision,
    token: id,
    serviceAccount,
    issuer: vouched.issuer,
    jti,
    expiresAt: new Date(vouched.expiresAt.getTime() + SKEW_MS),
    actor: { subject: serviceAccount, kind: 'service-account', via: null },
    data: {
      trust: name,
      trustRevision: revision,
      serviceAccount,
      issuer: vouched.issuer,
      sub: vouched.subject,
      jti,
      scopes,
      expiresAt: expiresAt.toISOString(),
    },
  })
  switch (outcome) {
    case 'stale':
      return 'stale'
    case 'no-account':
      return notTaken('The service account of the Trust is not in use any more.')
    case 'replayed':
      return notTaken(
        'This token was exchanged before, and each is taken once. Keep what it was exchanged for, or get another from the CI system.',
      )
    case 'done': {
      const accessToken = await signer.sign({ id, serviceAccount, trust: name, trustRevision: revision, scopes, expiresAt })
      return ok({ accessToken, issuedTokenType, expiresInS, scopes })
    }
  }
}

/**
 * What a token is remembered by: its `jti`. Without one, by what is signed of it, and not by all of it: of one signature there
 * are several spellings, and each would be another token.
 */
function identityOf(token: string, { jti }: JsonObject): string {
  if (typeof jti === 'string' && /^[\x21-\x7e]{1,255}$/.test(jti)) return jti
  return typeof jti === 'string' && jti !== '' ? digest(`jti ${jti}`) : digest(token.slice(0, token.lastIndexOf('.')))
}

const documents = new WeakMap<Context, Recent<TrustRecord['document']>>()

/** The same object for the same revision, so that its expression is compiled once. */
function sameDocument(context: Context, { document, revision }: TrustRecord): TrustRecord['document'] {
  let recent = documents.get(context)
  if (recent === undefined) documents.set(context, (recent = openRecent(1_000)))
  const key = `${document.metadata.name} ${revision}`
  const known = recent.get(key)
  if (known === undefined) recent.set(key, document, 1)
  return known ?? document
}
