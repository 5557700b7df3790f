/**
 * What it costs to know who asks, by kind of credential, warm: `authenticate` alone, and what a path that is not there costs
 * more below /v1 than where it is open to all. Processor time of this process, in many short turns one after the other, and
 * of them the median: so it is the same on a busy machine. `npx tsx bench/authentication.ts [turns]`
 */
import Fastify from 'fastify'
import { openIssuers } from '../src/adapters/issuer/issuers.ts'
import { openTokenSigner } from '../src/adapters/issuer/purser-tokens.ts'
import { buildApp } from '../src/faces/http/app.ts'
import { authenticate } from '../src/operations/authenticate.ts'
import { startIssuer } from '../test/support/issuer.ts'
import { openAsking } from './support/asking.ts'
import { benchDocuments } from './support/platform.ts'
import { openStage } from './support/stage.ts'

const TURNS = Number(process.argv[2] ?? '40')
const CALLS = 2_000
const ASKED = 200

const quiet = { info: () => undefined, warn: () => undefined }
const issuer = await startIssuer({ alg: 'RS256' })
const issuers = openIssuers({ configured: [issuer.url], audience: 'purser', emailDomains: new Map(), log: quiet })
const signer = openTokenSigner(['a key of the bench that is long enough'])
const stage = await openStage()
const { context, close } = await openAsking(stage.appUrl, { issuers, tokenSigner: signer })
const app = await buildApp({ context, log: Fastify().log, rateLimit: 0, stopping: new AbortController().signal })

try {
  const trust = { issuer: issuer.url, audience: 'purser', when: "claims.sub == 'job'", serviceAccount: 't0-ci' }
  await post('/v1/apply', { documents: benchDocuments(['t0']) })
  await post('/v1/service-accounts', { name: 't0-ci', team: 't0', description: '' })
  await post('/v1/apply', { documents: [{ apiVersion: 'purser.dev/v1', kind: 'Trust', metadata: { name: 'ci' }, spec: trust }] })
  const minted = await post('/v1/service-accounts/t0-ci/tokens', { scopes: ['read'], expiresIn: 3_600 })
  const job = { id: 'tok_01h455vb4pex5vsknk084sn02q', serviceAccount: 't0-ci', trust: 'ci', trustRevision: 1, scopes: ['read'] }
  const kinds: readonly (readonly [what: string, token: string | null, onBehalfOf?: string])[] = [
    ['nobody, on an open path', null],
    ['API token', String(minted['token'])],
    ['access token of an issuer (RS256)', await issuer.token('ann', { groups: ['one', 'two', 'three'] })],
    ['short-lived token', await signer.sign({ ...job, expiresAt: new Date(Date.now() + 900_000) })],
    ['API token, on behalf of a person', stage.token, 'ann@example.com'],
  ]
  const rows = []
  const alone = new Map<string, number[]>()
  const asked = new Map<string, number[]>()
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [what, token, onBehalfOf] of kinds) {
      const authorization = `Bearer ${token}`
      const headers = {
        ...(token === null ? {} : { authorization }),
        ...(onBehalfOf === undefined ? {} : { 'purser-on-behalf-of': onBehalfOf }),
      }
      const url = token === null ? '/nothing' : '/v1/nothing'
      note(asked, what, await cpuOf(ASKED, async () => expect404(await app.inject({ url, headers }))))
      if (token === null) continue
      note(alone, what, await cpuOf(CALLS, async () => expectOk(await authenticate(context, { authorization, onBehalfOf, reads: true }))))
    }
  }
  const bare = median(asked.get(kinds[0]?.[0] ?? ''))
  for (const [what, token] of kinds)
    rows.push({
      what,
      'authenticate, µs': token === null ? '' : median(alone.get(what)).toFixed(1),
      'a request over bare, µs': (median(asked.get(what)) - bare).toFixed(1),
    })
  console.table(rows)
} finally {
  await app.close()
  issuers.close()
  await close()
  await stage.close()
  await issuer.stop()
}

/** Processor time of one call, µs. */
async function cpuOf(times: number, call: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < times; i++) await call()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}

function note(into: Map<string, number[]>, what: string, value: number): void {
  into.set(what, [...(into.get(what) ?? []), value])
}

/** Of the later half: before that it warms up. */
function median(values: readonly number[] = []): number {
  const late = values.slice(Math.floor(values.length / 2)).toSorted((a, b) => a - b)
  return late[Math.floor(late.length / 2)] ?? NaN
}

function expect404({ statusCode }: { readonly statusCode: number }): void {
  if (statusCode !== 404) throw new Error(`answered ${statusCode}`)
}

function expectOk({ ok }: { readonly ok: boolean }): void {
  if (!ok) throw new Error('refused')
}

async function post(url: string, payload: object): Promise<Record<string, unknown>> {
  const answer = await app.inject({ method: 'POST', url, headers: { authorization: `Bearer ${stage.token}` }, payload })
  if (answer.statusCode >= 300) throw new Error(`${url} answered ${answer.statusCode}: ${answer.body}`)
  return answer.json()
}
