import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { deserted } from './fake-api.ts'
import { fakeApiPerTest } from './run-cli.ts'

const api = fakeApiPerTest()

const document = (name: string, spec: object = {}) => ({ kind: 'X', metadata: { name }, spec })
const postgres = document('postgres', { parameters: { properties: { size: {}, storageGB: {} } } })
const bodies: Readonly<Record<string, unknown>> = {
  '/v1/teams': { items: [document('payments'), document('platform')] },
  '/v1/environments': { items: [document('prod'), document('dev')] },
  '/v1/blueprints': { items: [postgres, document('secret')] },
  '/v1/blueprints/postgres': postgres,
  '/v1/resources': { items: [{ name: 'orders-db' }, { name: 'evil $(reboot)' }] },
  '/v1/requests': { items: [{ id: 'req_1' }] },
}

async function complete(...words: string[]): Promise<string[]> {
  api.answer = ({ path }) => ({ body: bodies[path] })
  const ran = await api.purser(['__complete', ...words])
  expect(ran).toMatchObject({ exit: 0, stderr: '' })
  return ran.stdout.split('\n').filter((line) => line !== '')
}

describe('what may stand at the cursor', () => {
  it.each([
    [['re'], ['request', 'requests', 'reject', 'retry', 'resources']],
    [
      ['request', ''],
      ['create', 'update', 'delete'],
    ],
    [['request', 'create', 'po'], ['postgres']],
    [
      ['request', 'create', 'postgres', 'db', 's'],
      ['size=', 'storageGB='],
    ],
    [
      ['request', '--team', 'p'],
      ['payments', 'platform'],
    ],
    [['request', '--team', '=', 'pay'], ['payments']],
    [['plan', 'update', '--team', 'payments', '--env', 'prod', ''], ['orders-db']],
    [['requests', '--state', 'que'], ['queued']],
    [
      ['-o', ''],
      ['table', 'json', 'yaml'],
    ],
    [['approve', ''], ['req_1']],
    [
      ['get', 'b'],
      ['blueprints', 'budgets'],
    ],
    [['get', 'teams', 'pl'], ['platform']],
    [['gitops', ''], ['verify']],
    [['completion', 'z'], ['zsh']],
    [['apply', '--dr'], ['--dry-run']],
    [['apply', '--file', ''], []],
    [['nonsense', ''], []],
  ])('%j → %j', async (words, expected) => {
    expect((await complete(...words)).toSorted()).toEqual(expected.toSorted())
  })

  it('resources are those of the team and environment that the line names', async () => {
    await complete('request', '--team', 'payments', 'delete', '--env', 'prod', '')

    expect(Object.fromEntries(api.seen[0]?.query ?? [])).toMatchObject({ team: 'payments', environment: 'prod' })
  })
})

it('whatever is wrong, it says nothing, and asks once', async () => {
  const words = ['__complete', 'request', '--team', '']
  for (const [env, reply] of [
    [{ PURSER_URL: await deserted() }, {}],
    [{ PURSER_URL: 'nonsense' }, {}],
    [{}, { status: 503, body: { code: 'unavailable' } }],
    [{}, { text: 'hello' }],
    [{}, 'drop'],
  ] as const) {
    api.answer = () => reply
    const calls = api.seen.length

    expect(await api.purser(words, { env })).toEqual({ exit: 0, stdout: '', stderr: '', pauses: [] })
    expect(api.seen.length - calls).toBeLessThanOrEqual(1)
  }
})

it.each(['zsh', 'fish'])('there is a script for %s', async (shell) => {
  const ran = await api.purser(`completion ${shell}`)

  expect(ran.exit).toBe(0)
  expect(ran.stdout).toContain('purser __complete')
})

it('bash completes by its script', async () => {
  api.answer = ({ path }) => ({ body: bodies[path] })
  const { stdout: script } = await api.purser('completion bash')
  const main = join(import.meta.dirname, '../../src/main.ts')
  const line = `purser() { "$NODE" --import tsx "$MAIN" "$@"; }
${script}
COMP_WORDS=(purser request create postgres --team p); COMP_CWORD=5; _purser
printf '%s\\n' "\${COMPREPLY[@]}"`

  const shell = spawn('bash', ['--norc', '-c', line], {
    env: { PATH: process.env['PATH'], NODE: process.execPath, MAIN: main, PURSER_URL: api.url, PURSER_TOKEN: 't' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let found = ''
  shell.stdout.on('data', (chunk: Buffer) => (found += String(chunk)))
  await once(shell, 'close')

  expect(found).toBe('payments\nplatform\n')
})

it('no script for what is no shell', async () => {
  expect(await api.purser('completion tcsh')).toMatchObject({ exit: 2, stdout: '' })
})
