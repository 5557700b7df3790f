import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/cli/settings.ts'
import { deserted, refusing } from './fake-api.ts'
import { fakeApiPerTest, runPurser, type World } from './run-cli.ts'
import { policyDenied, sampleRequest } from './samples.ts'

const api = fakeApiPerTest()
const id = sampleRequest.id

describe('a refusal', () => {
  it('is sentences on standard error for people, with the way out', async () => {
    api.answer = () => ({ status: 403, body: policyDenied })

    const ran = await api.purser('request delete x --team a --env b')

    expect(ran.stdout).toBe('')
    expect(ran.stderr).toBe(`Policy denies this (policy-denied)
  databases/stay-in-europe: Region us-east-1 is outside the EU
    → Ask in the EU
  → Recorded as ${id}: purser requests ${id}
`)
  })

  it('is the problem document on standard output for programs', async () => {
    api.answer = () => ({ status: 403, body: policyDenied })

    const json = await api.purser('request delete x --team a --env b -o json')
    const yaml = await api.purser('-o yaml request delete x --team a --env b')

    expect(JSON.parse(json.stdout)).toEqual(policyDenied)
    expect(json.stderr).toBe('')
    expect(yaml.stdout).toContain('code: policy-denied')
  })

  it('says what to do without a token, and shows the id of a fault', async () => {
    api.answer = () => refusing({ code: 'unauthenticated', detail: 'No credentials.' })
    const anonymous = await api.purser('requests', { env: { PURSER_TOKEN: '' } })
    api.answer = () => refusing({ code: 'internal' })
    const broken = await api.purser('requests')

    expect(api.seen[0]?.headers).not.toHaveProperty('authorization')
    expect(anonymous.stderr).toContain('Set PURSER_TOKEN')
    expect(broken.stderr).toContain('X-Request-Id: c0ffee')
  })
})

describe('what is asked, and as whom', () => {
  it('sends the person that --as names', async () => {
    await api.purser('requests --as alice@example.com')

    expect(api.seen[0]?.headers['purser-on-behalf-of']).toBe('alice@example.com')
  })

  it('takes the administrator token of an installation on this machine', async () => {
    api.file('admin-token', 'psr_local\n')

    await runPurser(['requests'], { env: { PURSER_URL: api.url, PURSER_DATA: api.directory } })

    expect(api.seen[0]?.headers.authorization).toBe('Bearer psr_local')
  })

  it.each([
    ['http://127.0.0.1:8080', 'psr_local'],
    ['http://localhost', 'psr_local'],
    ['http://[::1]:8080', 'psr_local'],
    ['https://purser.example.com', null],
    ['http://127.0.0.1.example.com', null],
    ['http://10.0.0.1', null],
  ])('sends that token to this machine only: %s', async (url, token) => {
    api.file('admin-token', 'psr_local\n')
    const io = {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      env: { PURSER_URL: url, PURSER_DATA: api.directory },
    }

    const settings = readSettings({ output: 'table', color: true }, io)

    expect(settings.ok ? await settings.value.credential.token() : settings.problem).toBe(token)
  })

  it.each(['ftp://x', 'nonsense', 'http://user:pass@x', 'http://x/?a=1'])('refuses an address that is none: %s', async (url) => {
    const ran = await api.purser('requests', { env: { PURSER_URL: url } })

    expect(ran.exit).toBe(2)
    expect(ran.stderr).toContain('PURSER_URL')
    expect(ran.stderr).not.toContain('pass@')
  })

  it('keeps the path of an address', async () => {
    await api.purser('requests', { env: { PURSER_URL: `${api.url}/purser/` } })

    expect(api.seen[0]?.path).toBe('/purser/v1/requests')
  })

  it('says in a sentence that nobody answers, and where', async () => {
    const url = await deserted()

    const ran = await api.purser('requests', { env: { PURSER_URL: url } })

    expect(ran).toMatchObject({ exit: 1, stdout: '', pauses: [] })
    expect(ran.stderr).toBe(`Nobody answers at ${url} (ECONNREFUSED). Start Purser there, or set PURSER_URL to where it runs.\n`)
  })

  it.each([
    { text: '<html>', status: 502 },
    { text: 'hello' },
    { body: { hello: 'world' } },
    { status: 500, body: { message: 'x' } },
    { status: 301, headers: { location: 'https://elsewhere.example' } },
  ])('takes nothing for an answer that is none: %j', async (reply) => {
    api.answer = () => reply

    const ran = await api.purser('requests')

    expect(ran).toMatchObject({ exit: 1, stdout: '' })
    expect(ran.stderr).toContain('PURSER_URL')
  })
})

const asking =
  'apply plan request requests approvals approve reject cancel retry diff resources budgets blueprints get gitops login logout whoami token completion'.split(
    ' ',
  )

const ofServers = 'serve work migrate config doctor'.split(' ')

it('the help of every command has an example and its exit codes, and fits a terminal', async () => {
  for (const command of [...asking, ...ofServers, 'gitops verify', '']) {
    const ran = await api.purser(`${command} --help`.trim())

    expect(ran.exit).toBe(0)
    expect(ran.stdout).toMatch(new RegExp(`Example:\\n  (?:[A-Z_]+=\\w+ )?purser ${command}\\b`))
    if (command !== 'gitops') expect(ran.stdout, command).toMatch(/Exit codes:\n  0 /)
    for (const line of ran.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  }
})

it('one help lists the commands of server and client', async () => {
  const ran = await api.purser('--help')

  expect(ran.exit).toBe(0)
  for (const name of [...asking, ...ofServers]) {
    expect(ran.stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
  }
})

it('colour is for terminals, and for nobody who does not want it', async () => {
  api.answer = () => ({ body: sampleRequest })
  const coloured = async (line: string, world: World) => (await api.purser(line, world)).stdout.includes('\x1b[')

  expect(await coloured(`requests ${id}`, { terminal: true })).toBe(true)
  expect(await coloured(`requests ${id}`, { terminal: false })).toBe(false)
  expect(await coloured(`requests ${id} --no-color`, { terminal: true })).toBe(false)
  expect(await coloured(`requests ${id}`, { terminal: true, env: { NO_COLOR: '1' } })).toBe(false)
})
