import { resolve } from 'node:path'
import { parseAllowedAddresses, type AllowedAddresses } from './core/addresses.ts'
import { parseDuration } from './core/duration.ts'
import { ok, refuse, type Result } from './core/result.ts'
import { Secret } from './core/secret.ts'
import type { TrustProxy } from './faces/http/client-address.ts'
import { distance, flag, nameOf, parseScopes, proxies, urlOf, wholeNumber } from './main/config-values.ts'
import { parseEmailDomains, parseIssuers, parseKeys, parsePeople } from './main/identity-config.ts'

/** What is in force for one process: read once at the start, checked, frozen. There is no other way to configure it. */
export type Config = {
  readonly host: string
  readonly port: number
  /** Where `purser work` answers probes and Prometheus; null: it listens nowhere. */
  readonly workPort: number | null
  /** PURSER_DATA, absolute: admin token, embedded repository, embedded database. */
  readonly dataDir: string
  readonly currency: string
  readonly examples: boolean
  /** Null: the embedded one. */
  readonly database: { readonly url: Secret; readonly migrateUrl: Secret } | null
  /** Null: the queue is on PostgreSQL. */
  readonly redisUrl: Secret | null
  readonly logLevel: LogLevel
  /** Who signs people in. Without an issuer there is nobody but tokens of Purser's own, and those for whom they ask. */
  readonly identity: {
    readonly issuers: readonly string[]
    readonly audience: string
    /** By issuer; one without is good for every domain that no other one has. */
    readonly emailDomains: ReadonlyMap<string, readonly string[]>
    /** What `purser login` is at the issuer. */
    readonly clientId: string
    /** What `purser login` asks an issuer for. */
    readonly scopes: readonly string[]
    /** E-mails, or `group:name`. */
    readonly administrators: readonly string[]
    readonly auditors: readonly string[]
    /** As long as the groups that somebody was last seen with count where they show no token themselves. */
    readonly groupsTtlMs: number
  }
  /** What Purser signs with; empty: what is kept beside an embedded database, else nothing. */
  readonly keys: readonly Secret[]
  /** Requests a second and burst, per principal; 0 is off. */
  readonly rateLimit: number
  /** The same per address, before anybody knows who asks; and credentials a minute per address that are not taken. */
  readonly addressLimits: { readonly requests: number; readonly failures: number }
  /** Whose X-Forwarded-For is believed: so many proxies, or those at these addresses; null: nobody's. */
  readonly trustProxy: TrustProxy
  /** Streams of events that are open at once, of one principal and of all; 0 is off. */
  readonly streams: { readonly perCaller: number; readonly perProcess: number }
  /** Whether GraphQL's schema may be asked for. */
  readonly introspection: boolean
  readonly allowFileRepositories: boolean
  /** Where hooks of teams may lead besides public addresses. */
  readonly allowedAddresses: AllowedAddresses
  /** Connections in the pool that requests share. A hot budget's row gets slower with more, not faster. */
  readonly poolSize: number
  /** A step of delivery after which the process kills itself, for the tests of exactly that; null everywhere else. */
  readonly fault: string | null
  /** PATH: where git, and what hooks of a local repository call, is found. */
  readonly searchPath: string
  /** What documents may name as `{env: PURSER_SECRET_…}`. */
  readonly secrets: Readonly<Record<string, Secret>>
  /** What does no harm and yet somebody should know. */
  readonly notices: readonly string[]
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export type Environment = Readonly<Record<string, string | undefined>>

/** Every variable with its default, in the order in which `purser config` shows them. */
const variables = {
  HOST: '127.0.0.1',
  PORT: '8080',
  PURSER_WORK_PORT: null,
  PURSER_DATA: './.purser',
  PURSER_CURRENCY: 'EUR',
  PURSER_EXAMPLES: 'true',
  DATABASE_URL: null,
  DATABASE_MIGRATE_URL: null,
  REDIS_URL: null,
  OIDC_ISSUER: null,
  OIDC_AUDIENCE: 'purser',
  OIDC_EMAIL_DOMAINS: null,
  OIDC_CLIENT_ID: 'purser-cli',
  OIDC_SCOPES: 'openid email profile groups offline_access',
  PURSER_ADMINISTRATORS: null,
  PURSER_AUDITORS: null,
  PURSER_GROUPS_TTL: 'PT24H',
  PURSER_KEY: null,
  LOG_LEVEL: 'info',
  PURSER_RATE_LIMIT: '500',
  PURSER_RATE_LIMIT_ADDRESS: '2000',
  PURSER_RATE_LIMIT_FAILURES: '60',
  PURSER_TRUST_PROXY: null,
  PURSER_STREAMS_PER_CALLER: '500',
  PURSER_STREAMS: '5000',
  PURSER_GRAPHQL_INTROSPECTION: 'true',
  PURSER_ALLOW_FILE_REPOSITORIES: 'false',
  PURSER_ALLOW_PRIVATE_ADDRESSES: 'false',
  PURSER_POOL_SIZE: '8',
  PURSER_FAULT: null,
} as const satisfies Record<string, string | null>

type Variable = keyof typeof variables

/** Variables of the command as a client; a server only knows that they are no mistake. */
const clientVariables = ['PURSER_URL', 'PURSER_TOKEN']
const SECRET_PREFIX = 'PURSER_SECRET_'

/** The configuration of this process. Nothing else reads process.env. */
export function loadConfig(): Result<Config, readonly string[]> {
  return readConfig(process.env, process.cwd())
}

/** The environment as it is, for the command as a client: what it reads there is its own business. */
export function clientEnvironment(): Environment {
  return process.env
}

/** Environment variables → Config, or everything that is wrong with them, all at once. An empty value is as good as none. */
export function readConfig(env: Environment, cwd: string): Result<Config, readonly string[]> {
  const errors: string[] = []
  const text = (name: Variable) => set(env, name) ?? variables[name]
  const parse = <T>(name: Variable, expected: string, parser: (value: string) => T | null, otherwise: T): T => {
    const value = text(name)
    if (value === null) return otherwise
    const parsed = parser(value)
    // The value is not repeated: it may be a password in the wrong variable.
    if (parsed === null) errors.push(`${name} must be ${expected}`)
    return parsed ?? otherwise
  }
  const notices = judgeUnknown(env, errors)
  const databaseUrl = parse('DATABASE_URL', 'a postgresql:// URL', urlOf('postgresql:', 'postgres:'), null)
  const migrateUrl = parse('DATABASE_MIGRATE_URL', 'a postgresql:// URL', urlOf('postgresql:', 'postgres:'), null)
  if (text('DATABASE_URL') === null && text('DATABASE_MIGRATE_URL') !== null)
    errors.push('DATABASE_MIGRATE_URL is the owner of the database that DATABASE_URL names: set that too')
  const people = 'e-mail addresses or group:name, separated by commas'
  const where = 'https:// URLs as their tokens write them (http:// for this machine alone)'
  const issuers = parse('OIDC_ISSUER', `${where}, separated by commas`, parseIssuers, Object.freeze([]))
  const emailDomains = parse('OIDC_EMAIL_DOMAINS', 'issuer=example.com,example.org; issuer2=…', parseEmailDomains, new Map())
  if ([...emailDomains.keys()].some((issuer) => !issuers.includes(issuer)))
    errors.push('OIDC_EMAIL_DOMAINS has an issuer that OIDC_ISSUER does not name')
  const config: Config = {
    host: parse('HOST', 'a host name or address', (v) => (/^[0-9A-Za-z.:_-]{1,255}$/.test(v) ? v : null), ''),
    port: parse('PORT', 'a whole number from 0 to 65535', wholeNumber(0, 65_535), 0),
    workPort: parse('PURSER_WORK_PORT', 'a whole number from 0 to 65535', wholeNumber(0, 65_535), null),
    dataDir: resolve(cwd, text('PURSER_DATA') ?? variables.PURSER_DATA),
    currency: parse('PURSER_CURRENCY', 'an ISO 4217 code of three capital letters', (v) => (/^[A-Z]{3}$/.test(v) ? v : null), ''),
    examples: parse('PURSER_EXAMPLES', 'true or false', flag, false),
    database: databaseUrl === null ? null : Object.freeze({ url: databaseUrl, migrateUrl: migrateUrl ?? databaseUrl }),
    redisUrl: parse('REDIS_URL', 'a redis:// or rediss:// URL', urlOf('redis:', 'rediss:'), null),
    identity: Object.freeze({
      issuers,
      audience: parse('OIDC_AUDIENCE', 'a name of up to 255 characters without spaces', nameOf(255), ''),
      emailDomains,
      clientId: parse('OIDC_CLIENT_ID', 'a name of up to 255 characters without spaces', nameOf(255), ''),
      scopes: parse('OIDC_SCOPES', 'names separated by spaces, openid among them', parseScopes, Object.freeze([])),
      administrators: parse('PURSER_ADMINISTRATORS', people, parsePeople, []),
      auditors: parse('PURSER_AUDITORS', people, parsePeople, []),
      groupsTtlMs: parse('PURSER_GROUPS_TTL', 'a duration of weeks, days or hours as PT24H', parseDuration, 0),
    }),
    keys: parse('PURSER_KEY', 'secrets of at least 32 characters each, separated by commas', parseKeys, Object.freeze([])),
    logLevel: parse('LOG_LEVEL', `one of ${logLevels.join(', ')}`, (v) => logLevels.find((l) => l === v) ?? null, 'info'),
    rateLimit: parse('PURSER_RATE_LIMIT', 'a whole number of requests a second, 0 for no limit', wholeNumber(0, 1_000_000), 0),
    addressLimits: Object.freeze({
      // Whoever turns limits off means this one too, unless they say a number.
      requests:
        text('PURSER_RATE_LIMIT') === '0' && set(env, 'PURSER_RATE_LIMIT_ADDRESS') === null
          ? 0
          : parse('PURSER_RATE_LIMIT_ADDRESS', 'a whole number of requests a second, 0 for no limit', wholeNumber(0, 1_000_000), 0),
      failures: parse('PURSER_RATE_LIMIT_FAILURES', 'a whole number of failures a minute, 0 for no limit', wholeNumber(0, 1_000_000), 0),
    }),
    trustProxy: parse(
      'PURSER_TRUST_PROXY',
      'a number of proxies from 1 to 10, or addresses and networks such as 10.0.0.0/8',
      proxies,
      null,
    ),
    streams: Object.freeze({
      perCaller: parse('PURSER_STREAMS_PER_CALLER', 'a whole number of streams, 0 for no limit', wholeNumber(0, 1_000_000), 0),
      perProcess: parse('PURSER_STREAMS', 'a whole number of streams, 0 for no limit', wholeNumber(0, 1_000_000), 0),
    }),
    introspection: parse('PURSER_GRAPHQL_INTROSPECTION', 'true or false', flag, false),
    allowFileRepositories: parse('PURSER_ALLOW_FILE_REPOSITORIES', 'true or false', flag, false),
    allowedAddresses: Object.freeze(
      parse('PURSER_ALLOW_PRIVATE_ADDRESSES', 'true, false, or ranges as 10.20.0.0/16,fd12::/48', parseAllowedAddresses, {
        private: false,
        ranges: [],
      }),
    ),
    poolSize: parse('PURSER_POOL_SIZE', 'a whole number of connections from 2 to 200', wholeNumber(2, 200), 2),
    fault: parse('PURSER_FAULT', 'the name of a step of delivery', (v) => (/^[a-z-]{1,40}$/.test(v) ? v : null), null),
    searchPath: set(env, 'PATH') ?? '/usr/local/bin:/usr/bin:/bin',
    secrets: Object.freeze(readSecrets(env)),
    notices: Object.freeze(notices),
  }
  return errors.length === 0 ? ok(Object.freeze(config)) : refuse(errors)
}

/** One `NAME=value` a line, for `purser config`. Secrets are masked by what they are, not by their names. */
export function presentConfig(config: Config): string {
  const shown: Record<Variable, unknown> = {
    HOST: config.host,
    PORT: config.port,
    PURSER_WORK_PORT: config.workPort ?? '(none: purser work listens nowhere)',
    PURSER_DATA: config.dataDir,
    PURSER_CURRENCY: config.currency,
    PURSER_EXAMPLES: config.examples,
    DATABASE_URL: config.database?.url ?? '(embedded)',
    DATABASE_MIGRATE_URL: config.database?.migrateUrl ?? '(embedded)',
    REDIS_URL: config.redisUrl ?? '(none: the queue is on PostgreSQL)',
    OIDC_ISSUER: config.identity.issuers.join(', ') || '(none: nobody signs in but with tokens of Purser)',
    OIDC_AUDIENCE: config.identity.audience,
    OIDC_EMAIL_DOMAINS: [...config.identity.emailDomains].map(([issuer, names]) => `${issuer}=${names.join(',')}`).join('; ') || '(all)',
    OIDC_CLIENT_ID: config.identity.clientId,
    OIDC_SCOPES: config.identity.scopes.join(' '),
    PURSER_ADMINISTRATORS: config.identity.administrators.join(', ') || '(none)',
    PURSER_AUDITORS: config.identity.auditors.join(', ') || '(none)',
    PURSER_GROUPS_TTL: `PT${config.identity.groupsTtlMs / 3_600_000}H`,
    PURSER_KEY: config.keys.join(', ') || (config.database === null ? '(embedded)' : '(none: no short-lived tokens)'),
    LOG_LEVEL: config.logLevel,
    PURSER_RATE_LIMIT: config.rateLimit,
    PURSER_RATE_LIMIT_ADDRESS: config.addressLimits.requests,
    PURSER_RATE_LIMIT_FAILURES: config.addressLimits.failures,
    PURSER_TRUST_PROXY: presentProxies(config.trustProxy),
    PURSER_STREAMS_PER_CALLER: config.streams.perCaller,
    PURSER_STREAMS: config.streams.perProcess,
    PURSER_GRAPHQL_INTROSPECTION: config.introspection,
    PURSER_ALLOW_FILE_REPOSITORIES: config.allowFileRepositories,
    PURSER_ALLOW_PRIVATE_ADDRESSES: config.allowedAddresses.private || config.allowedAddresses.ranges.join(',') || false,
    PURSER_POOL_SIZE: config.poolSize,
    PURSER_FAULT: config.fault ?? '(none)',
  }
  const lines = [...Object.entries(shown), ...Object.entries(config.secrets)].map(([name, value]) => `${name}=${String(value)}`)
  return `${lines.join('\n')}\n`
}

function set(env: Environment, name: string): string | null {
  const value = env[name]
  return value === undefined || value === '' ? null : value
}

function readSecrets(env: Environment): Record<string, Secret> {
  const names = Object.keys(env)
    .filter((name) => name.startsWith(SECRET_PREFIX))
    .sort()
  return Object.fromEntries(names.map((name) => [name, new Secret(env[name] ?? '')]))
}

/**
 * A variable that looks like a misspelt one of ours is an error: a limit that silently does not apply is worse than a
 * process that does not start. One that looks like none of ours is a notice only: Kubernetes, for a Service called
 * `purser`, sets PURSER_SERVICE_HOST and more in every container.
 */
function judgeUnknown(env: Environment, errors: string[]): string[] {
  const known = [...Object.keys(variables), ...clientVariables]
  const notices: string[] = []
  for (const name of Object.keys(env)) {
    if (!/^(PURSER|OIDC)_/.test(name) || name.startsWith(SECRET_PREFIX) || known.includes(name)) continue
    const near = known.find((candidate) => distance(name.slice(0, 64), candidate) <= 2)
    if (near === undefined) notices.push(`${name} is no variable of Purser and has no effect`)
    else errors.push(`${name} is no variable of Purser: did you mean ${near}?`)
  }
  return notices
}

function presentProxies(trusted: TrustProxy): string {
  if (trusted === null) return '(none: X-Forwarded-For is not looked at)'
  return 'hops' in trusted ? String(trusted.hops) : trusted.networks.join(',')
}
