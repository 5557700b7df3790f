/**
 * How fast queued requests of one file become commits: Purser's delivery, a loop of `git commit && git push` as a pipeline
 * would do it, and the bare `git fast-import` of the same commits, which nobody pushes. On an empty repository and on one of
 * 100,000 files, spread over 100 teams; with all requests in one directory, which git writes anew for each; and signed.
 * `npx tsx bench/delivery.ts [requests]`
 */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { startEmbeddedPostgres, SUPERUSER } from '../src/adapters/embedded-postgres/start.ts'
import { createGitBranches } from '../src/adapters/git/branches.ts'
import { createRepository } from '../src/adapters/git/create-repository.ts'
import { parseYamlDocuments } from '../src/core/yaml.ts'
import { applyDocuments } from '../src/operations/apply-documents.ts'
import type { Caller } from '../src/operations/caller.ts'
import type { Context } from '../src/operations/context.ts'
import { deliverBranch } from '../src/operations/deliver-requests.ts'
import { standardBatch, type Delivery, type DeliveryStep } from '../src/operations/deliver-turn.ts'
import { submitRequest } from '../src/operations/submit-request.ts'
import { lockBranch } from '../src/store/deliveries.ts'
import { embedded, prepareRoles } from '../src/store/embedded-roles.ts'
import { migrate } from '../src/store/migrate.ts'
import { openAsking } from './support/asking.ts'
import { readCpu, type Cpu } from './support/cpu.ts'

const REQUESTS = Number(process.argv[2] ?? '2000')
const LOOPS = 20
const FILES = 100_000
const TEAMS = 100

const teamOf = (i: number, teams = TEAMS) => `team${i % teams}`

const directory = mkdtempSync(join(tmpdir(), 'purser-bench-'))
const signingKey = join(directory, 'signing.pem')
const searchPath = process.env['PATH'] ?? ''
const env = {
  PATH: searchPath,
  HOME: directory,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'x',
  GIT_AUTHOR_EMAIL: 'x@example.com',
  GIT_COMMITTER_NAME: 'x',
  GIT_COMMITTER_EMAIL: 'x@example.com',
}
const git = (args: readonly string[], input?: string) =>
  execFileSync('git', args, { cwd: directory, env, input, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'ignore'] })

type Place = {
  readonly name: string
  readonly what: string
  readonly files: number
  readonly teams: number
  readonly signed: boolean
  readonly repository: string
}

const platform = (places: readonly Place[]) => `
${places.map(({ name, repository, signed }) => `{ apiVersion: purser.dev/v1, kind: Environment, metadata: { name: ${name} }, spec: { gitops: { repository: 'file://${repository}', path: 'tenants/\${team.name}/${name}'${signed ? `, signingKey: { file: '${signingKey}' }` : ''} }, namespace: '\${team.name}-${name}' } }`).join('\n---\n')}
---
${Array.from({ length: TEAMS }, (_, i) => `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: ${teamOf(i)} }, spec: { members: [{ user: ann@example.com, role: developer }] } }`).join('\n---\n')}
---
apiVersion: purser.dev/v1
kind: Blueprint
metadata: { name: box }
spec:
  version: 1.0.0
  parameters: { type: object, properties: { units: { type: integer, minimum: 0, default: 1 } } }
  price: { monthly: "1.0 * double(parameters.units)" }
  manifests: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: '\${resource.name}', namespace: '\${environment.namespace}' }, data: { units: 'u\${parameters.units}' } }]
---
{ apiVersion: purser.dev/v1, kind: Budget, metadata: { name: all }, spec: { scope: {}, limit: '1000000.00' } }`

const content = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: red-lab\ndata:\n  units: u1\n`
const pathOf = (team: string, place: string, name: string) => `tenants/${team}/${place}/${name}/00-configmap-${name}.yaml`

/** A bare repository with so many files, spread over the teams. */
async function makeRepository(name: string, place: string, files: number): Promise<string> {
  const repository = join(directory, `${name}.git`)
  await createRepository({ directory: join(directory, 'git'), searchPath }, repository, 'main')
  if (files === 0) return repository
  const parts = ['commit refs/heads/main\ncommitter x <x@example.com> 1700000000 +0000\ndata 4\nbase\n']
  for (let i = 0; i < files; i++) {
    const text = content(`old-${i}`)
    parts.push(`M 100644 inline ${pathOf(teamOf(i), place, `old-${i}`)}\ndata ${text.length}\n${text}\n`)
  }
  git(['--git-dir', repository, 'fast-import', '--quiet', '--force'], parts.join(''))
  return repository
}

function copy(repository: string, name: string): string {
  const to = join(directory, `${name}.git`)
  cpSync(repository, to, { recursive: true })
  return to
}

/** A pipeline's way: a clone, and for each request a commit and a push. Seconds for one. */
function loop(repository: string, place: string, teams: number): number {
  const clone = join(directory, `clone-${place}`)
  git(['clone', '--quiet', '--branch', 'main', repository, clone])
  return (
    time(() => {
      for (let i = 0; i < LOOPS; i++) {
        const path = pathOf(teamOf(i, teams), place, `loop-${i}`)
        mkdirSync(dirname(join(clone, path)), { recursive: true })
        writeFileSync(join(clone, path), content(`loop-${i}`))
        git(['-C', clone, 'add', path])
        git(['-C', clone, 'commit', '--quiet', '--message', `create ${i}`])
        git(['-C', clone, 'push', '--quiet', 'origin', 'main'])
      }
    }) / LOOPS
  )
}

/** The same commits into a bare repository, with nothing around. Seconds for one. */
function floor(repository: string, place: string, teams: number): number {
  const parts: string[] = []
  for (let i = 0; i < REQUESTS; i++) {
    const text = content(`fi-${i}`)
    const from = i === 0 ? 'from refs/heads/main^0\n' : ''
    parts.push(
      `commit refs/heads/floor\ncommitter x <x@example.com> 1700000000 +0000\ndata 6\ncreate\n${from}M 100644 inline ${pathOf(teamOf(i, teams), place, `fi-${i}`)}\ndata ${text.length}\n${text}\n\n`,
    )
  }
  return time(() => git(['--git-dir', repository, 'fast-import', '--quiet', '--force'], parts.join(''))) / REQUESTS
}

function time(act: () => void): number {
  const start = performance.now()
  act()
  return (performance.now() - start) / 1000
}

type Installation = {
  readonly context: Context
  readonly ann: Caller
  readonly delivery: Delivery
  readonly steps: Map<DeliveryStep, number>
  close(): Promise<void>
}

async function openInstallation(places: readonly Place[]): Promise<Installation> {
  // As `purser serve` runs it: with fsync.
  const server = await startEmbeddedPostgres({ dataDir: join(directory, 'data') })
  await prepareRoles(server.url(SUPERUSER, 'postgres'))
  const [ownerUrl, appUrl] = [server.url(embedded.owner, embedded.database), server.url(embedded.application, embedded.database)]
  await migrate({ ownerUrl, appUrl, directory: join(import.meta.dirname, '../prisma/migrations') })
  const asking = await openAsking(appUrl)
  const { context, ann } = asking
  const parsed = parseYamlDocuments(platform(places))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem))
  const applied = await applyDocuments(context, { ...ann, administrator: true }, { documents: parsed.value, dryRun: false })
  if (!applied.ok) throw new Error(JSON.stringify(applied.problem))
  const branches = createGitBranches({ directory: join(directory, 'git'), searchPath })
  const steps = new Map<DeliveryStep, number>()
  let last = 0
  const delivery: Delivery = {
    pool: context.database.pool,
    git: branches,
    lock: (branch) => lockBranch(() => new pg.Client({ connectionString: appUrl }), branch),
    locate: (repository) => repository,
    // Time since the step before, by the step that it led to.
    reach: (step) => {
      const now = performance.now()
      if (step !== 'locked') steps.set(step, (steps.get(step) ?? 0) + now - last)
      last = now
    },
    warn: (message, facts) => console.warn(message, facts),
    batch: standardBatch,
    refusals: new Map(),
  }
  return {
    context,
    ann,
    delivery,
    steps,
    async close() {
      await branches.close()
      await asking.close()
      await server.stop()
    },
  }
}

type Reading = { readonly seconds: number; readonly cpu: string }

/** Queues the requests, then delivers them. Seconds and CPU for one. */
async function deliver({ context, ann, delivery, steps }: Installation, place: string, teams: number): Promise<Reading> {
  const names = Array.from({ length: REQUESTS }, (_, i) => `box-${i}`)
  for (let i = 0; i < names.length; i += 100)
    await Promise.all(
      names.slice(i, i + 100).map(async (name, j) => {
        const { answer } = await submitRequest(
          context,
          ann,
          { team: teamOf(i + j, teams), environment: place, reason: 'bench', changes: [{ action: 'create', blueprint: 'box', name }] },
          null,
        )
        if (!answer.ok) throw new Error(JSON.stringify(answer.problem))
      }),
    )
  const { rows } = await context.database.pool.query<{ id: string }>(
    `select distinct branch_id as id from delivery where finished_at is null`,
  )
  const branch = rows[0]?.id ?? ''
  // What only the first delivery of a worker pays: the mirror.
  const stopAtOnce = {
    ...delivery,
    reach: (step: DeliveryStep) => {
      if (step === 'fetched') throw new Error('mirror made')
    },
  }
  await deliverBranch(stopAtOnce, branch, new AbortController().signal).catch(() => undefined)
  steps.clear()
  const [before, start] = [readCpu(), performance.now()]
  for (;;) if ((await deliverBranch(delivery, branch, new AbortController().signal)) === 'done') break
  const seconds = (performance.now() - start) / 1000
  const after = readCpu()
  const done = await context.database.pool.query<{ n: number }>(
    `select count(*)::int as n from request where state = 'committed' and environment = $1`,
    [place],
  )
  if (done.rows[0]?.n !== REQUESTS) throw new Error(`${done.rows[0]?.n ?? 0} of ${REQUESTS} were committed`)
  const each = (of: keyof Cpu) => ((after[of] - before[of]) / REQUESTS).toFixed(2)
  return { seconds: seconds / REQUESTS, cpu: `node ${each('node')}, git ${each('git')}, postgres ${each('postgres')}` }
}

try {
  writeFileSync(signingKey, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const places = [
    { name: 'small', what: 'empty', files: 0, teams: TEAMS, signed: false },
    { name: 'large', what: '100,000 files', files: FILES, teams: TEAMS, signed: false },
    { name: 'narrow', what: 'empty, one directory', files: 0, teams: 1, signed: false },
    { name: 'signed', what: 'empty, signed', files: 0, teams: TEAMS, signed: true },
  ]
  const made: (Place & { readonly copies: { readonly loop: string; readonly floor: string } })[] = []
  for (const place of places) {
    // An empty repository cannot be cloned, so the others get one file.
    const repository = await makeRepository(place.name, place.name, place.files)
    const base = place.files > 0 ? repository : await makeRepository(`${place.name}-1`, place.name, 1)
    made.push({ ...place, repository, copies: { loop: copy(base, `loop-${place.name}`), floor: copy(base, `floor-${place.name}`) } })
  }
  const installation = await openInstallation(made)
  console.log(
    `${REQUESTS} requests of one file each, ${cpus().length} cores, node ${process.version}, ${git(['--version']).toString().trim()}\n`,
  )
  const head = `${'branch before'.padEnd(20)}   purser/s   commit+push/s   fast-import/s`
  console.log(`${head}   CPU ms a request`)
  for (const { name, what, teams, copies } of made) {
    const { seconds, cpu } = await deliver(installation, name, teams)
    const bySteps = [...installation.steps].map(([step, ms]) => `${step} ${(ms / REQUESTS).toFixed(2)}`).join(', ')
    const pipeline = loop(copies.loop, name, teams)
    const bare = floor(copies.floor, name, teams)
    const perSecond = (each: number, width: number) => (1 / each).toFixed(0).padStart(width)
    console.log(`${what.padEnd(20)}   ${perSecond(seconds, 8)}   ${perSecond(pipeline, 13)}   ${perSecond(bare, 13)}   ${cpu}`)
    console.log(`${''.padEnd(head.length)}   ms by step: ${bySteps}`)
  }
  await installation.close()
} finally {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
}
