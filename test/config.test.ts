import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { presentConfig, readConfig, type Config, type Environment } from '../src/config.ts'
import { Secret } from '../src/core/secret.ts'

function read(env: Environment): Config {
  const result = readConfig(env, '/srv')
  if (!result.ok) throw new Error(result.problem.join('; '))
  return result.value
}

function errors(env: Environment): readonly string[] {
  const result = readConfig(env, '/srv')
  return result.ok ? [] : result.problem
}

describe('the configuration', () => {
  test('needs no variable at all', () => {
    expect(read({})).toEqual({
      host: '127.0.0.1',
      port: 8080,
      workPort: null,
      dataDir: '/srv/.purser',
      currency: 'EUR',
      examples: true,
      database: null,
      redisUrl: null,
      identity: {
        issuers: [],
        audience: 'purser',
        emailDomains: new Map(),
        clientId: 'purser-cli',
        scopes: ['openid', 'email', 'profile', 'groups', 'offline_access'],
        administrators: [],
        auditors: [],
        groupsTtlMs: 24 * 3_600_000,
      },
      keys: [],
      logLevel: 'info',
      rateLimit: 500,
      addressLimits: { requests: 2000, failures: 60 },
      trustProxy: null,
      streams: { perCaller: 500, perProcess: 5000 },
      introspection: true,
      allowFileRepositories: false,
      allowedAddresses: { private: false, ranges: [] },
      poolSize: 8,
      fault: null,
      searchPath: '/usr/local/bin:/usr/bin:/bin',
      secrets: {},
      notices: [],
    })
  })

  test('reports everything that is wrong at once', () => {
    const wrong = {
      PORT: '80a',
      PURSER_WORK_PORT: '65536',
      PURSER_CURRENCY: 'euro',
      PURSER_EXAMPLES: 'yes',
      LOG_LEVEL: 'loud',
      PURSER_RATE_LIMIT: '-1',
      PURSER_RATE_LIMIT_ADDRESS: '1.5',
      PURSER_RATE_LIMIT_FAILURES: 'few',
      PURSER_TRUST_PROXY: '10.0.0.0/33',
      PURSER_STREAMS: 'many',
      PURSER_STREAMS_PER_CALLER: '-1',
      PURSER_ALLOW_PRIVATE_ADDRESSES: '10.0.0.0/33',
      DATABASE_URL: 'mysql://x',
      REDIS_URL: 'x',
      OIDC_ISSUER: 'http://issuer.example.com',
      OIDC_AUDIENCE: 'a b',
      OIDC_EMAIL_DOMAINS: 'example.com',
      OIDC_CLIENT_ID: 'a b',
      OIDC_SCOPES: 'email groups',
      PURSER_ADMINISTRATORS: 'alice',
      PURSER_AUDITORS: 'group:',
      PURSER_GROUPS_TTL: '1 day',
      PURSER_KEY: 'too short',
      PURSER_FAULT: 'a b',
    }

    expect(new Set(errors(wrong).map((e) => e.split(' ')[0]))).toEqual(new Set(Object.keys(wrong)))
  })

  test('never repeats a wrong value: it may be a password in the wrong place', () => {
    expect(errors({ DATABASE_URL: 'hunter2', PORT: 'hunter2' }).join()).not.toContain('hunter2')
  })

  test('takes an empty variable as one that is not set', () => {
    expect(read({ PORT: '', DATABASE_URL: '' })).toMatchObject({ port: 8080, database: null })
  })

  test('migrates as the application where no owner is named, and names no owner without a database', () => {
    expect(read({ DATABASE_URL: 'postgresql://app@db/purser' }).database?.migrateUrl.reveal()).toBe('postgresql://app@db/purser')
    expect(errors({ DATABASE_MIGRATE_URL: 'postgresql://owner@db/purser' })).toHaveLength(1)
  })

  test.each([
    ['PURSER_EXAMPLE', 'PURSER_EXAMPLES'],
    ['PURSER_RATELIMIT', 'PURSER_RATE_LIMIT'],
    ['PURSER_DATE', 'PURSER_DATA'],
    ['OIDC_ISSUERS', 'OIDC_ISSUER'],
  ])('refuses %s, since %s was meant', (name, meant) => {
    expect(errors({ [name]: 'x' })).toEqual([`${name} is no variable of Purser: did you mean ${meant}?`])
  })

  test('starts in a cluster that has a Service called purser, and says what it does not know', () => {
    const config = read({
      PURSER_SERVICE_HOST: '10.0.0.1',
      PURSER_PORT: 'tcp://10.0.0.1:80',
      PURSER_SECRET_GIT: 'x',
      PURSER_URL: 'http://x',
    })

    expect(config.notices.map((n) => n.split(' ')[0])).toEqual(['PURSER_SERVICE_HOST', 'PURSER_PORT'])
  })

  test('no limit for callers is none for addresses either, unless a number is given', () => {
    expect(read({ PURSER_RATE_LIMIT: '0' }).addressLimits).toEqual({ requests: 0, failures: 60 })
    expect(read({ PURSER_RATE_LIMIT: '0', PURSER_RATE_LIMIT_ADDRESS: '9' }).addressLimits.requests).toBe(9)
  })

  test('takes proxies as addresses and networks, or by how many there are', () => {
    const inside = read({ PURSER_TRUST_PROXY: '10.0.0.0/8, fd00::/8,192.0.2.7' })

    expect(inside.trustProxy).toEqual({ networks: ['10.0.0.0/8', 'fd00::/8', '192.0.2.7'] })
    expect(presentConfig(inside)).toContain('PURSER_TRUST_PROXY=10.0.0.0/8,fd00::/8,192.0.2.7')
    expect(read({ PURSER_TRUST_PROXY: '2' }).trustProxy).toEqual({ hops: 2 })
    for (const wrong of ['0', '11', 'true', '10.0.0.0/8/8', 'example.com', '10.0.0.1,', '::1/129'])
      expect(errors({ PURSER_TRUST_PROXY: wrong })).toHaveLength(1)
  })

  test('takes private addresses that hooks may lead to as ranges, or all of them', () => {
    const ranges = read({ PURSER_ALLOW_PRIVATE_ADDRESSES: '10.20.0.0/16, fd12::1' })

    expect(ranges.allowedAddresses).toEqual({ private: false, ranges: ['10.20.0.0/16', 'fd12::1'] })
    expect(presentConfig(ranges)).toContain('PURSER_ALLOW_PRIVATE_ADDRESSES=10.20.0.0/16,fd12::1')
    expect(read({ PURSER_ALLOW_PRIVATE_ADDRESSES: 'true' }).allowedAddresses.private).toBe(true)
  })

  test.each([
    ['https://id.example.com', ['https://id.example.com']],
    ['https://id.example.com/realms/a/, http://127.0.0.1:8081', ['https://id.example.com/realms/a/', 'http://127.0.0.1:8081']],
    ['http://[::1]:8081,http://localhost', ['http://[::1]:8081', 'http://localhost']],
    ['https://id.example.com,https://id.example.com', ['https://id.example.com']],
  ])('takes %s for issuers, each as it is written', (text, issuers) => {
    expect(read({ OIDC_ISSUER: text }).identity.issuers).toEqual(issuers)
  })

  test.each([
    'http://id.example.com',
    'http://127.evil.example.com',
    'http://127.0.0.1@evil.example.com',
    'https://user:hunter2@id.example.com',
    'https://id.example.com?tenant=a',
    'https://id.example.com#a',
    'file:///etc/passwd',
    'purser',
    ',',
  ])('takes no %s for an issuer', (text) => {
    expect(errors({ OIDC_ISSUER: text })).toHaveLength(1)
  })

  test('reads who has a role in the platform: addresses without their case, groups with it', () => {
    const { identity } = read({ PURSER_ADMINISTRATORS: ' Alice@Example.com ,group:Platform Team', PURSER_AUDITORS: 'group:audit' })

    expect(identity).toMatchObject({ administrators: ['alice@example.com', 'group:Platform Team'], auditors: ['group:audit'] })
  })

  test('reads the domains of each issuer, which has to be a configured one', () => {
    const OIDC_EMAIL_DOMAINS = 'https://a.example=Example.com, example.org; https://b.example=partner.example;'

    expect([...read({ OIDC_ISSUER: 'https://a.example,https://b.example', OIDC_EMAIL_DOMAINS }).identity.emailDomains]).toEqual([
      ['https://a.example', ['example.com', 'example.org']],
      ['https://b.example', ['partner.example']],
    ])
    expect(errors({ OIDC_ISSUER: 'https://a.example', OIDC_EMAIL_DOMAINS })).toHaveLength(1)
  })

  test('takes several keys, so that one can follow another', () => {
    const [first, second] = ['k'.repeat(32), 'l'.repeat(44)]

    expect(read({ PURSER_KEY: `${first},${second}` }).keys.map((key) => key.reveal())).toEqual([first, second])
    expect(errors({ PURSER_KEY: `${first},short` })).toHaveLength(1)
  })

  test('cannot be changed', () => {
    const config = read({ DATABASE_URL: 'postgresql://app@db/purser', OIDC_ISSUER: 'https://a.example' })

    expect(
      [config, config.secrets, config.notices, config.database, config.identity, config.identity.issuers, config.keys].every(
        Object.isFrozen,
      ),
    ).toBe(true)
  })
})

describe('a secret', () => {
  const url = 'postgresql://app:hunter2@db/purser'

  test('is not seen in text, JSON, inspection, nor in what `purser config` prints', () => {
    const config = read({
      DATABASE_URL: url,
      REDIS_URL: 'redis://:hunter2@queue',
      PURSER_SECRET_GIT: 'hunter2',
      PURSER_KEY: 'hunter2'.repeat(5),
    })

    const seen = [
      String(config.database?.url),
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      presentConfig(config),
    ]
    expect(seen.join()).not.toContain('hunter2')
    expect(presentConfig(config)).toMatch(/^PURSER_KEY=\[secret\]$[^]*^PURSER_SECRET_GIT=\[secret\]$/m)
  })

  test('is given to whoever asks by name', () => {
    expect(new Secret(url).reveal()).toBe(url)
  })
})
