import { join } from 'node:path'
import { openIssuers } from '../adapters/issuer/issuers.ts'
import { openTokenSigner } from '../adapters/issuer/purser-tokens.ts'
import { createClusters } from '../adapters/kubernetes/clusters.ts'
import { createDeliveryHints } from '../adapters/queue/delivery-hints.ts'
import { openSharedCounts } from '../adapters/redis/shared-counts.ts'
import type { Config } from '../config.ts'
import { hashToken } from '../core/token.ts'
import { graphiqlPage } from '../faces/graphql/graphiql-page.ts'
import { buildApp, type AppOptions } from '../faces/http/app.ts'
import { measureDeliveries, measureNotices, processMetrics } from '../faces/http/metrics.ts'
import type { Caller } from '../operations/caller.ts'
import { scopes } from '../operations/caller.ts'
import type { Context } from '../operations/context.ts'
import { openContext } from '../operations/open-context.ts'
import { keepCurrency } from '../store/currency.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { openNotices } from '../store/notices.ts'
import { pendingMigrations } from '../store/migrate.ts'
import { keepAdminToken, knowPrincipal } from '../store/principals.ts'
import { adminToken } from './admin-token.ts'
import { applyExamples } from './apply-examples.ts'
import { drain } from './drain.ts'
import { listen } from './listen.ts'
import { nextSteps } from './next-steps.ts'
import { packageRoot } from './package-root.ts'
import { purserKeys } from './purser-key.ts'
import { readFlags, runServer, type Process } from './run.ts'
import { migrateDatabase, migrationsDirectory, startDatabase, type DatabaseUrls } from './start-database.ts'
import { keepEmbeddedRepository, openHistory, queueOf, startWorker } from './start-worker.ts'

/** `purser serve [--work]`: answers over HTTP, and with --work delivers too. */
export async function serve(args: readonly string[]): Promise<number> {
  const flags = readFlags('serve', args, ['--work'])
  if (flags === null) return 2
  return runServer('serve', async (process_) => {
    const { config, log, lifecycle } = process_
    const repository = keepEmbeddedRepository(config)
    // It is waited for further down; a failure until then is not one that nobody waits for.
    repository.catch(() => undefined)
    // Loaded while the database starts, which takes longer.
    const graphql = import('../faces/graphql/plugin.ts')
    graphql.catch(() => undefined)
    const urls = await startDatabase(config, log, lifecycle)
    await migrateDatabase(urls, log)
    const database = openDatabase({
      url: urls.appUrl,
      poolSize: config.poolSize,
      onIdleError: (err) => log.warn({ err }, 'an idle database connection was lost'),
    })
    lifecycle.onStop('database connections', 5_000, () => database.close())
    await checkCurrency(config.currency, database)
    const hints = createDeliveryHints(queueOf(config, urls), log)
    lifecycle.onStop('hints', 3_000, () => hints.close())
    const context = await startContext(process_, urls, database, hints)
    const administrator = await keepAdministrator(process_, urls, context)
    if (config.examples) await applyExamples(context, administrator, log)
    await repository
    const metrics = processMetrics()
    if (flags.has('--work'))
      await startWorker(process_, urls, database, hints, { turn: measureDeliveries(metrics), notice: measureNotices(metrics) })

    const history = openHistory(config)
    lifecycle.onStop('git histories', 5_000, () => history.close())
    const { graphqlFace } = await graphql
    const sharedCounts = config.redisUrl === null ? null : openSharedCounts(config.redisUrl.reveal(), log)
    if (sharedCounts !== null) lifecycle.onStop('shared counts', 1_000, () => sharedCounts.close())
    lifecycle.onStop('failed authentications', 3_000, () => context.failedAuthentications.flush())
    const app = await buildApp({
      context,
      history,
      log,
      rateLimit: config.rateLimit,
      limits: {
        perAddress: config.addressLimits.requests,
        failures: config.addressLimits.failures,
        trustProxy: config.trustProxy,
        shared: sharedCounts,
      },
      stopping: lifecycle.stopping,
      metrics,
      ...signInOf(config),
      beside: (guarded, host) => graphqlFace(guarded, host, { context, history, introspection: config.introspection }),
      ...(config.introspection ? { pages: (open) => graphiqlPage(open, join(packageRoot(), 'dist/graphiql')) } : {}),
    })
    lifecycle.onStop('http', 15_000, () => app.close())
    lifecycle.onStop('open connections', 2_000, () => drain(app.server))
    const address = await listen(app, config, { variable: 'PORT', port: config.port })
    process.stdout.write(`purser ready on ${address}\n${nextSteps(config, address)}`)
  })
}

function signInOf({ identity }: Config): Pick<AppOptions, 'signIn'> {
  const { issuers, audience, clientId, scopes: wanted } = identity
  return issuers.length === 0 ? {} : { signIn: { issuers, audience, clientId, scopes: wanted } }
}

/** Amounts are stored without their currency: under another one they would all mean something else. */
async function checkCurrency(wanted: string, database: Database): Promise<void> {
  const stored = await keepCurrency(database.pool, wanted)
  if (stored !== wanted)
    throw new Error(`All amounts in this database are in ${stored}, and PURSER_CURRENCY is ${wanted}. Set it to ${stored}.`)
}

async function startContext(
  { config, log, lifecycle }: Process,
  urls: DatabaseUrls,
  database: Database,
  hints: Context['hints'],
): Promise<Context> {
  const notices = await openNotices(urls.appUrl, (err) => log.warn({ err }, 'notices of the database are lost for the moment'))
  lifecycle.onStop('notices', 2_000, () => notices.close())
  const { issuers: configured, audience, emailDomains, administrators, auditors, groupsTtlMs } = config.identity
  // None is waited for, and one that is away is no reason not to start.
  const issuers = openIssuers({ configured, audience, emailDomains, log })
  lifecycle.onStop('issuers', 1_000, async () => issuers.close())
  const keys = await purserKeys(config, urls.embedded)
  return openContext({
    database,
    notices,
    hints,
    currency: config.currency,
    issuers,
    tokenSigner: keys.length === 0 ? null : openTokenSigner(keys.map((key) => key.reveal())),
    clusters: createClusters({ secrets: config.secrets }),
    platformRoles: { administrators, auditors },
    groupsTtlMs,
    followerLimits: config.streams,
    allowFileRepositories: config.allowFileRepositories,
    pendingMigrations: () => pendingMigrations(database.pool, migrationsDirectory()),
    now: () => new Date(),
  })
}

/**
 * The installation's administrator, by the token in its file. Beside an embedded database there is one such file: removing
 * it revokes. On another database none is made where people sign in: nobody needs a standing secret then.
 */
async function keepAdministrator({ config }: Process, urls: DatabaseUrls, { database }: Context): Promise<Caller> {
  if (urls.embedded || config.identity.issuers.length === 0)
    await keepAdminToken(database.pool, hashToken(await adminToken(config.dataDir)), scopes, urls.embedded)
  return {
    principal: await knowPrincipal(database.pool, 'service-account', 'admin'),
    subject: 'admin',
    kind: 'service-account',
    email: null,
    groups: [],
    scopes: new Set(scopes),
    administrator: true,
    auditor: false,
    team: null,
    onlyTeams: null,
    via: null,
    parties: [],
    credential: { kind: 'api-token', id: null, expiresAt: null },
  }
}
