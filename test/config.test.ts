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
      logLevel: 'info',
      rateLimit: 500,
      streams: { perCaller: 500, perProcess: 5000 },
      introspection: true,
      allowFileRepositories: false,
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
      PURSER_STREAMS: 'many',
      PURSER_STREAMS_PER_CALLER: '-1',
      DATABASE_URL: 'mysql://x',
      REDIS_URL: 'x',
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

  test('cannot be changed', () => {
    const config = read({ DATABASE_URL: 'postgresql://app@db/purser' })

    expect([config, config.secrets, config.notices, config.database].every(Object.isFrozen)).toBe(true)
  })
})

describe('a secret', () => {
  const url = 'postgresql://app:hunter2@db/purser'

  test('is not seen in text, JSON, inspection, nor in what `purser config` prints', () => {
    const config = read({ DATABASE_URL: url, REDIS_URL: 'redis://:hunter2@queue', PURSER_SECRET_GIT: 'hunter2' })

    const seen = [
      String(config.database?.url),
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      presentConfig(config),
    ]
    expect(seen.join()).not.toContain('hunter2')
    expect(presentConfig(config)).toContain('PURSER_SECRET_GIT=[secret]')
  })

  test('is given to whoever asks by name', () => {
    expect(new Secret(url).reveal()).toBe(url)
  })
})
