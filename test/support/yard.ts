import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { deliverBranch } from '../../src/operations/deliver-requests.ts'
import { standardBatch, type Delivered, type Delivery, type DeliveryStep } from '../../src/operations/deliver-turn.ts'
import { readRequest } from '../../src/operations/read-requests.ts'
import { lockBranch } from '../../src/store/deliveries.ts'
import { createStage, type Stage } from '../adapters/git-repositories.ts'
import { ask, idOf, outcomeOf, type Change, type House } from './house.ts'

/** An environment of one test's own: a real bare repository, and a delivery that brings team red's requests there. */
export type Yard = {
  readonly stage: Stage
  readonly environment: string
  readonly repository: string
  /** The folder of team red, then the resource's, then the file. */
  path(resource: string, file?: string): string
  /** Submits changes as ann, all of them allowed; answers the request's id. */
  ask(...changes: readonly Change[]): Promise<string>
  /** Many requests of one create each. */
  askMany(names: readonly string[]): Promise<string[]>
  branchId(): Promise<string>
  /** One job as a worker does it. */
  deliver(options?: DeliverOptions): Promise<Delivered>
  state(id: string): Promise<string>
  /** The request as ann reads it. */
  read(id: string): Promise<Record<string, unknown>>
  /** Newest first. */
  log(): readonly Commit[]
  /** Path → content of what the branch has. */
  tree(): Record<string, string>
  /** As `gitops/branches` shows it: state, head. */
  branch(): Promise<{ state: string; head: string | null; detail: string | null }>
  /** What the budget over everything of red is: `committed+reserved`. */
  money(): Promise<string>
}

export type DeliverOptions = {
  readonly reach?: (step: DeliveryStep) => void | Promise<void>
  readonly git?: Delivery['git']
  readonly stop?: AbortSignal
  readonly lock?: Delivery['lock']
  readonly batch?: Delivery['batch']
}

export type Commit = {
  readonly sha: string
  readonly author: string
  readonly committer: string
  readonly subject: string
  readonly body: string
  readonly trailers: readonly string[]
  readonly changed: readonly string[]
}

/** Boxes of two files: `00-configmap-<name>.yaml` changes with the units, `01-secret-…` never; version 2.0.0 lacks the second. */
export const crates = ['1.0.0', '2.0.0']
  .map(
    (version) => `
apiVersion: purser.dev/v1
kind: Blueprint
metadata: { name: crate }
spec:
  version: ${version}
  parameters: { type: object, required: [units], properties: { units: { type: integer, minimum: 0 } } }
  price: { monthly: "1.0 * double(parameters.units)" }
  manifests:
    - { apiVersion: v1, kind: ConfigMap, metadata: { name: '\${resource.name}', namespace: '\${environment.namespace}' }, data: { units: 'u\${parameters.units}' } }
${version === '1.0.0' ? "    - { apiVersion: v1, kind: Service, metadata: { name: '${resource.name}', namespace: '${environment.namespace}' }, spec: { type: ClusterIP } }" : ''}
`,
  )
  .join('---')

/** What a yard's environment says of its repository, where that is more than its folder. */
export type Reach = (stage: Stage) => { readonly repository?: string; readonly auth?: object; readonly signingKey?: object }

export async function openYard(house: House, reach?: Reach): Promise<Yard> {
  const stage = await createStage()
  const environment = `y${randomBytes(4).toString('hex')}`
  const { repository = `file://${stage.repository}`, ...more } = reach?.(stage) ?? {}
  const gitops = JSON.stringify({ repository, path: `${environment}/\${team.name}/x`, ...more })
  await house.apply(`
{ apiVersion: purser.dev/v1, kind: Environment, metadata: { name: ${environment} }, spec: { gitops: ${gitops}, namespace: '\${team.name}-${environment}' } }
---
{ apiVersion: purser.dev/v1, kind: Budget, metadata: { name: ${environment} }, spec: { scope: { team: red, environment: ${environment} }, limit: '1000000.00' } }`)
  const ann = await house.person('ann@example.com')
  const { pool } = house.context.database
  const refusals: Delivery['refusals'] = new Map()

  async function askOne(changes: readonly Change[]): Promise<string> {
    const submitted = await ask(house, ann, changes, { environment })
    if (outcomeOf(submitted) !== 'queued') throw new Error(`the request is ${outcomeOf(submitted)}`)
    return idOf(submitted)
  }

  async function row<T extends object>(sql: string, values: readonly unknown[]): Promise<T> {
    const { rows } = await pool.query<T>(sql, [...values])
    if (rows[0] === undefined) throw new Error(`nothing there: ${sql}`)
    return rows[0]
  }

  const branchId = async () => (await row<{ id: string }>('select id from branch where repository = $1', [repository])).id

  async function read(id: string): Promise<Record<string, unknown>> {
    const request = await readRequest(house.context, ann, id)
    if (!request.ok) throw new Error(JSON.stringify(request.problem))
    return request.value
  }

  return {
    stage,
    environment,
    repository,
    branchId,
    read,
    path: (resource, file = `00-configmap-${resource}.yaml`) => `${environment}/red/x/${resource}/${file}`,
    ask: (...changes) => askOne(changes),
    async askMany(names) {
      const ids: string[] = []
      // One after the other, so that they are released in this order.
      for (const name of names) ids.push(await askOne([{ action: 'create', blueprint: 'box', name, parameters: { units: 1 } }]))
      return ids
    },
    async deliver({ reach = () => undefined, git = stage.git, stop = new AbortController().signal, batch = standardBatch, lock } = {}) {
      const delivery: Delivery = {
        pool,
        git,
        reach,
        batch,
        refusals,
        lock:
          lock ??
          ((branch) =>
            lockBranch(() => new pg.Client({ connectionString: house.urls.appUrl, application_name: `lock ${environment}` }), branch)),
        locate: (name) => name,
        warn: () => undefined,
      }
      return deliverBranch(delivery, await branchId(), stop)
    },
    state: async (id) => String((await read(id))['state']),
    log: () => readLog(stage),
    tree: () => readTree(stage),
    branch: () => row('select state, head, detail from branch where repository = $1', [repository]),
    async money() {
      const { committed, reserved } = await row<{ committed: string; reserved: string }>(
        'select committed, reserved from budget where name = $1 and retired_at is null',
        [environment],
      )
      return `${committed}+${reserved}`
    },
  }
}

function readLog(stage: Stage): readonly Commit[] {
  const fields = ['%H', '%an <%ae> %at', '%cn <%ce> %ct', '%s', '%B', '%(trailers:only,unfold)'].join('%x00')
  const text = stage.foreign(['log', `--format=%x01${fields}%x00`, '--name-status', '--no-renames', '--root', 'main'])
  return text
    .split('\u0001')
    .slice(1)
    .map((commit) => {
      const [sha = '', author = '', committer = '', subject = '', body = '', trailers = '', changed = ''] = commit.split('\0')
      return {
        sha,
        author,
        committer,
        subject,
        body,
        trailers: linesOf(trailers),
        changed: linesOf(changed).map((line) => line.replace('\t', ' ')),
      }
    })
}

function readTree(stage: Stage): Record<string, string> {
  const git = (args: readonly string[]) => execFileSync('git', ['--git-dir', stage.repository, ...args], { encoding: 'utf8' })
  return Object.fromEntries(
    linesOf(git(['ls-tree', '-r', '--name-only', 'main'])).map((path) => [path, git(['cat-file', 'blob', `main:${path}`])]),
  )
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
