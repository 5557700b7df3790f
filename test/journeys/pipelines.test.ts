import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { openIssuers } from '../../src/adapters/issuer/issuers.ts'
import { openTokenSigner } from '../../src/adapters/issuer/purser-tokens.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { applyDocuments } from '../../src/operations/apply-documents.ts'
import { itemsOf, textAt } from '../support/api.ts'
import { commitAll } from '../support/delivery.ts'
import { startIssuer } from '../support/issuer.ts'
import { gitHubClaims, gitLabClaims, mergeRequest, pullRequest } from '../support/job-claims.ts'
import { openServer } from '../support/server.ts'
import { textOf } from '../support/text-of.ts'

/**
 * The pipelines of examples/ci, as they are written there: their scripts are run by bash in a clone of a repository, with what
 * the CI system gives a job and no other credential. Left out is what is not the shell's: `uses`, and the installation.
 */
const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'purser-pipelines-'))
const [gitHub, gitLab] = await Promise.all([startIssuer({ lifetime: 600 }), startIssuer({ lifetime: 3_600 })])
const quiet = { info: () => undefined, warn: () => undefined }
const issuers = openIssuers({ configured: [], audience: 'purser', emailDomains: new Map(), log: quiet })
const { url, token, api, house } = await openServer({ issuers, tokenSigner: openTokenSigner(['0123456789abcdef0123456789abcdef']) })
const { pool } = house.context.database

/** What GitHub's runner tells a job: where it gets its identity. */
let claims: JsonObject = {}
const runner = createServer((request, response) => {
  const audience = new URL(request.url ?? '/', 'http://runner').searchParams.get('audience')
  if (request.headers.authorization !== 'Bearer of-the-job') return void response.writeHead(401).end()
  void gitHub.sign({ ...claims, aud: audience }).then((value) => response.writeHead(200).end(JSON.stringify({ value, count: 1 })))
}).listen(0, '127.0.0.1')
await once(runner, 'listening')
const runnerUrl = `http://127.0.0.1:${(runner.address() as AddressInfo).port}/identity?api-version=2.0` // It listens on TCP.

afterAll(async () => {
  issuers.close()
  runner.closeAllConnections()
  runner.close()
  await Promise.all([gitHub.stop(), gitLab.stop(), once(runner, 'close')])
  rmSync(folder, { recursive: true })
})

const read = (name: string) => readFileSync(join(root, 'examples', name), 'utf8')
const git = (cwd: string, ...words: string[]) => execFileSync('git', ['-C', cwd, ...words], { encoding: 'utf8' }).trim()

/** The command as an installation puts it on the path, without the parts of a server: what starts in a tenth of a second. */
const bin = join(folder, 'bin')
await build({
  entryPoints: [join(root, 'src/main.ts')],
  outfile: join(bin, 'purser.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['serve', 'work', 'migrate-command', 'config-command', 'doctor'].map((command) => `./main/${command}.ts`),
  banner: { js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)" },
  logLevel: 'error',
})
writeFileSync(join(bin, 'purser'), `#!/bin/sh\nexec '${process.execPath}' '${join(bin, 'purser.mjs')}' "$@"\n`)
chmodSync(join(bin, 'purser'), 0o755)

/** A repository with main, and a branch that adds a file; where a job checks it out. */
const origin = join(folder, 'origin')
const clone = join(folder, 'clone')
mkdirSync(origin)
git(origin, 'init', '--quiet', '--initial-branch=main')
git(origin, 'config', 'user.email', 'carol@example.com')
git(origin, 'config', 'user.name', 'Carol')
git(origin, 'commit', '--quiet', '--allow-empty', '-m', 'Begin')
git(origin, 'switch', '--quiet', '--create', 'database')
cpSync(join(root, 'examples/ci/infrastructure'), join(origin, 'infrastructure'), { recursive: true })
git(origin, 'add', '.')
git(origin, 'commit', '--quiet', '-m', 'Ask for a database')
execFileSync('git', ['clone', '--quiet', '--branch', 'database', origin, clone])

type Ended = { readonly code: number | null; readonly printed: string }

/** Each job has a home of its own. */
async function bash(script: string, env: Record<string, string>): Promise<Ended> {
  const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
    cwd: clone,
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: mkdtempSync(join(folder, 'home-')), PURSER_URL: url, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 25_000,
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += String(chunk)))
  child.stderr.on('data', (chunk: Buffer) => (printed += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null] // What `close` tells.
  return { code, printed }
}

type Step = { readonly uses?: string; readonly name?: string; readonly run?: string }
type Workflow = { readonly jobs: Readonly<Record<string, { readonly permissions: JsonObject; readonly steps: readonly Step[] }>> }
type GitLabJob = { readonly script: readonly string[]; readonly id_tokens?: JsonObject; readonly before_script?: readonly string[] }

const workflow = parse(read('ci/github-actions.yml')) as Workflow // As GitHub has it.
const pipeline = parse(read('ci/gitlab-ci.yml')) as Readonly<Record<string, GitLabJob>> // As GitLab has it.
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const install = `npm install --global purser@${version}`

function gitHubScript(job: string): string {
  const steps = workflow.jobs[job]?.steps.flatMap(({ run }) => (run === undefined ? [] : [run])) ?? []
  return steps.filter((run) => run !== install).join('\n')
}

const gitHubJob = () => ({ ACTIONS_ID_TOKEN_REQUEST_URL: runnerUrl, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-the-job' })

async function requestsOf(requester: string): Promise<readonly JsonObject[]> {
  return itemsOf(await api('GET', `/v1/requests?requester=${requester}`))
}

test('an administrator lets the pipelines in by the words of the example', async () => {
  for (const name of ['environments', 'teams', 'budgets', 'postgres', 'webservice', 'secret'])
    await house.apply(read(`platform/${name}.yaml`))
  const trusts = read('ci/trusts.yaml')
  const commands = [...trusts.matchAll(/^# {3}(purser .*)$/gm)].map(([, command = '']) => command)
  // The issuers of these tests are not where the real ones are.
  const here = trusts.replaceAll('https://token.actions.githubusercontent.com', gitHub.url).replaceAll('https://gitlab.com', gitLab.url)
  writeFileSync(join(clone, 'trusts.yaml'), here)
  const done = await bash(commands.join('\n'), { PURSER_TOKEN: token })
  rmSync(join(clone, 'trusts.yaml'))

  expect(done).toMatchObject({ code: 0 })
  expect(commands).toHaveLength(3)
  const asWritten = parseAllDocuments(trusts).map((document) => document.toJS() as JsonObject)
  const dry = await api('POST', '/v1/apply?dryRun=true', { documents: asWritten })
  expect(dry.body['results']).toHaveLength(5)
})

test('GitHub: a pull request shows its plan and its cost, and asks for nothing', async () => {
  claims = gitHubClaims(pullRequest)
  const summary = join(folder, 'summary.md')
  const done = await bash(gitHubScript('plan'), { ...gitHubJob(), GITHUB_BASE_REF: 'main', GITHUB_STEP_SUMMARY: summary })

  expect(done).toMatchObject({ code: 0 })
  expect(readFileSync(summary, 'utf8')).toBe(done.printed)
  expect(done.printed).toMatch(/^### infrastructure\/orders-db\.yaml\n\n```\nPlan for payments in dev: needs approval\n/)
  expect(done.printed).toMatch(/Cost +\+17\.30 EUR a month/)
  expect(await requestsOf('payments-checks')).toEqual([])
})

test('GitHub: what is on main is asked for once, and committed', async () => {
  claims = gitHubClaims()
  const running = bash(gitHubScript('request'), gitHubJob())
  await expect.poll(() => house.hinted.length, { timeout: 20_000 }).toBeGreaterThan(0)
  await commitAll(pool)
  const first = await running
  const again = await bash(gitHubScript('request'), gitHubJob())

  expect(first).toMatchObject({ code: 0 })
  expect(again).toMatchObject({ code: 0 })
  const [request, ...others] = await requestsOf('payments-ci')
  expect(others).toEqual([])
  expect(request).toMatchObject({ state: 'committed', team: 'payments', requester: { subject: 'payments-ci', kind: 'service-account' } })
  const events = itemsOf(await api('GET', `/v1/events?subject=${textOf(request?.['id'])}&type=dev.purser.request.submitted.v1`))
  expect(events).toMatchObject([{ actor: { subject: 'payments-ci' }, data: { credential: 'trust/orders-github' } }])
})

test('GitHub: a job that nobody meant is nobody', async () => {
  claims = gitHubClaims({ workflow_ref: 'acme/orders/.github/workflows/other.yml@refs/heads/main' })
  const done = await bash('purser whoami', gitHubJob())

  expect(done).toMatchObject({ code: 1, printed: expect.stringContaining('No Trust of this installation takes this token') })
})

test('GitLab: a merge request shows its plan, and main asks, each with one identity for all its commands', async () => {
  const plan = pipeline['plan']?.script.join('\n') ?? ''
  const request = pipeline['request']?.script.join('\n') ?? ''
  writeFileSync(join(clone, 'infrastructure/second-db.yaml'), read('ci/infrastructure/orders-db.yaml').replace('orders-db', 'second-db'))
  git(clone, 'add', '.')
  git(clone, '-c', 'user.email=c@example.com', '-c', 'user.name=C', 'commit', '--quiet', '-m', 'Another')
  const checked = await bash(plan, {
    PURSER_ID_TOKEN: await gitLab.sign(gitLabClaims(mergeRequest)),
    CI_MERGE_REQUEST_DIFF_BASE_SHA: git(clone, 'rev-parse', 'origin/main'),
  })
  house.hinted.length = 0
  const running = bash(request, { PURSER_ID_TOKEN: await gitLab.sign(gitLabClaims()) })
  await expect.poll(() => house.hinted.length, { timeout: 20_000 }).toBeGreaterThan(0)
  await commitAll(pool)
  const asked = await running

  // One of the two is there already: asked for from GitHub, with the key that it has here too.
  expect(checked.printed).toMatch(/second-db \(postgres@1\.2\.0\) 0\.00 → 17\.30 EUR a month/)
  expect(checked.code).toBe(1)
  expect(asked).toMatchObject({ code: 0 })
  expect((await requestsOf('payments-ci')).map((each) => each['state'])).toEqual(['committed', 'committed'])
  const exchanged = itemsOf(await api('GET', '/v1/events?type=dev.purser.token.exchanged.v1')).map(
    ({ data }) => (data as JsonObject)['trust'],
  )
  expect(exchanged.filter((trust) => textOf(trust).startsWith('orders-gitlab'))).toEqual(['orders-gitlab-checks', 'orders-gitlab'])
})

test('no job has a secret, and each only the permissions that it needs', () => {
  const text = read('ci/github-actions.yml') + read('ci/gitlab-ci.yml')

  expect(text).not.toMatch(/secrets\.|PURSER_TOKEN|psr_/)
  for (const { permissions, steps } of Object.values(workflow.jobs)) {
    expect(permissions).toEqual({ contents: 'read', 'id-token': 'write' })
    expect(steps.filter(({ run }) => run === install)).toHaveLength(1)
    // What others can name (a branch, a title) is never text of a script.
    for (const { run = '' } of steps) expect(run).not.toContain('${{')
  }
  expect(pipeline['.infrastructure']).toMatchObject({ id_tokens: { PURSER_ID_TOKEN: { aud: 'purser' } }, before_script: [install] })
})

test('whoever wrote the Trust that let a job in approves nothing that it asks', async () => {
  // L4: an administrator who is in the team that approves.
  const bob = await house.person('bob@example.com')
  const trust = parseAllDocuments(read('ci/trusts.yaml'))[0]?.toJS() as { metadata: JsonObject; spec: JsonObject }
  const mine = { ...trust, metadata: { name: 'by-bob' }, spec: { ...trust.spec, issuer: gitLab.url, when: "claims.project_id == '23'" } }
  const applied = await applyDocuments(house.context, { ...bob, administrator: true }, { documents: [mine], dryRun: false })
  expect(applied).toMatchObject({ ok: true })
  const done = await bash('purser request create postgres big-db --team payments --env prod size=l storageGB=600 -o json', {
    PURSER_ID_TOKEN: await gitLab.sign(gitLabClaims({ project_id: '23' })),
  })
  const asked = JSON.parse(done.printed) as JsonObject
  const path = `/v1/requests/${textOf(asked['id'])}`
  const body = { planDigest: textAt(await api('GET', path), 'plan.digest') }

  expect(asked['state']).toBe('pending_approval')
  expect(await api('POST', `${path}/approve`, body, { as: 'bob@example.com' })).toMatchObject({
    status: 403,
    body: { code: 'own-request' },
  })
})
