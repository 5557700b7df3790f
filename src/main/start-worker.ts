import { join } from 'node:path'
import pg from 'pg'
import { createGitBranches } from '../adapters/git/branches.ts'
import { createRepository } from '../adapters/git/create-repository.ts'
import { createBranchHistory } from '../adapters/git/history.ts'
import type { QueueConnection } from '../adapters/queue/connection.ts'
import { startDeliveryWorker } from '../adapters/queue/delivery-worker.ts'
import { startNoticeWorker } from '../adapters/queue/notice-worker.ts'
import { createHooks } from '../adapters/webhook/post.ts'
import type { Config } from '../config.ts'
import { embeddedRepository } from '../core/place.ts'
import type { measureNotices, TurnEnd } from '../faces/http/metrics.ts'
import type { BranchHistory } from '../operations/branch-history.ts'
import { deliverBranch } from '../operations/deliver-requests.ts'
import { deliverySteps, standardBatch, type Delivery, type DeliveryStep } from '../operations/deliver-turn.ts'
import type { DeliveryHints, DeliveryWork } from '../operations/ports.ts'
import { forgetOldNotices, sendNotices, sweepNotices, type Notifying } from '../operations/send-notices.ts'
import { sweepDeliveries } from '../operations/sweep-deliveries.ts'
import type { Database } from '../store/database.ts'
import { lockBranch } from '../store/deliveries.ts'
import type { DatabaseUrls } from './start-database.ts'
import type { Process } from './run.ts'

/** How often work that nobody hinted at is looked for; a branch that refuses is tried again as often. */
const SWEEP_MS = 5_000
/** How often the log is read for notices. */
const NOTICE_MS = 1_000
const FORGET_MS = 3_600_000

/** What a worker counts. */
export type Measured = {
  readonly turn: (end: TurnEnd, seconds: number) => void
  readonly notice: ReturnType<typeof measureNotices>
}

export function queueOf(config: Config, urls: DatabaseUrls): QueueConnection {
  return config.redisUrl === null ? { kind: 'postgres', url: urls.appUrl } : { kind: 'redis', url: config.redisUrl.reveal() }
}

/** The embedded repository's folder; made here when it is not there. */
export async function keepEmbeddedRepository(config: Config): Promise<void> {
  await createRepository({ directory: join(config.dataDir, 'git'), searchPath: config.searchPath }, embeddedPath(config), 'main')
}

/** Reads the GitOps branches, in mirrors beside those of a worker. */
export function openHistory(config: Config): BranchHistory {
  return createBranchHistory({
    directory: join(config.dataDir, 'git-read'),
    searchPath: config.searchPath,
    secrets: config.secrets,
    locate: locator(config),
  })
}

function locator(config: Config): (repository: string) => string {
  return (repository) => (repository === embeddedRepository ? embeddedPath(config) : repository)
}

function embeddedPath(config: Config): string {
  return join(config.dataDir, 'gitops.git')
}

/** Delivers what is released and tells teams' chats, until the process stops; what is under way then is finished first. */
export async function startWorker(
  process_: Process,
  urls: DatabaseUrls,
  database: Database,
  hints: DeliveryHints,
  measured: Measured,
): Promise<void> {
  await startDeliveries(process_, urls, database, hints, measured.turn)
  await startNotices(process_, urls, database, measured.notice)
}

async function startDeliveries(
  { config, log, lifecycle }: Process,
  urls: DatabaseUrls,
  database: Database,
  hints: DeliveryHints,
  measured: Measured['turn'],
): Promise<void> {
  const warn: Delivery['warn'] = (message, facts) => log.warn(facts, message)
  const git = createGitBranches({ directory: join(config.dataDir, 'git'), searchPath: config.searchPath, secrets: config.secrets, warn })
  lifecycle.onStop('git', 5_000, () => git.close())
  const delivery: Delivery = {
    pool: database.pool,
    git,
    lock: (branch) =>
      lockBranch(
        () =>
          new pg.Client({
            connectionString: urls.appUrl,
            keepAlive: true,
            connectionTimeoutMillis: 5_000,
            application_name: 'purser branch lock',
          }),
        branch,
      ),
    locate: locator(config),
    reach: faultPoint(config.fault),
    warn,
    batch: standardBatch,
    refusals: new Map(),
  }
  const worker = await startDeliveryWorker(queueOf(config, urls), log, {
    deliver: measuring((branch, signal) => deliverBranch(delivery, branch, signal), measured),
    sweep: () => sweepDeliveries(database.pool, hints),
    sweepEveryMs: SWEEP_MS,
  })
  lifecycle.onStop('deliveries', 20_000, () => worker.close())
}

async function startNotices(
  { config, log, lifecycle }: Process,
  urls: DatabaseUrls,
  { pool }: Database,
  count: Notifying['count'],
): Promise<void> {
  const notifying: Notifying = {
    pool,
    count,
    hooks: createHooks({ secrets: config.secrets, allowed: config.allowedAddresses }),
    currency: config.currency,
    chance: Math.random,
    warn: (message, facts) => log.warn(facts, message),
  }
  let forgotAt = -Infinity
  const worker = await startNoticeWorker(queueOf(config, urls), log, {
    turn: async (team, stop) => ((await sendNotices(notifying, team, stop)) === 'more' ? { retryInMs: 0 } : 'done'),
    async sweep(hint) {
      await sweepNotices(pool, hint)
      if (performance.now() - forgotAt < FORGET_MS) return
      await forgetOldNotices(pool)
      forgotAt = performance.now()
    },
    sweepEveryMs: NOTICE_MS,
  })
  lifecycle.onStop('notices to teams', 5_000, () => worker.close())
}

function measuring(deliver: DeliveryWork['deliver'], measured: (end: TurnEnd, seconds: number) => void): DeliveryWork['deliver'] {
  return async (branch, signal) => {
    const began = performance.now()
    let end: TurnEnd = 'fault'
    try {
      const outcome = await deliver(branch, signal)
      end = outcome === 'done' ? 'done' : 'later'
      return outcome
    } finally {
      measured(end, (performance.now() - began) / 1_000)
    }
  }
}

/** Kills the process as hard as `kill -9` at one step of delivery, where the tests ask for it. */
function faultPoint(fault: string | null): (step: DeliveryStep) => void {
  if (fault === null) return () => undefined
  if (!deliverySteps.some((step) => step === fault))
    throw new Error(`PURSER_FAULT is no step of delivery; they are ${deliverySteps.join(', ')}`)
  return (step) => {
    if (step === fault) process.kill(process.pid, 'SIGKILL')
  }
}
