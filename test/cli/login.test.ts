import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fillForms } from '../support/forms.ts'
import { startIssuer, type TestIssuer } from '../support/issuer.ts'
import { startSigningIn } from '../support/start-signing-in.ts'
import { deserted, refusing, type Reply } from './fake-api.ts'
import { fakeApiPerTest } from './run-cli.ts'

/** What `purser login` makes of servers and issuers that are not as they should be, and of what is kept. */

const api = fakeApiPerTest()
let issuer: TestIssuer
beforeAll(async () => {
  issuer = await startIssuer()
})
afterAll(() => issuer.stop())

const me = { subject: 'ann@example.com', kind: 'person', scopes: ['read'], platformRoles: [], teams: [] }

/** A server that says where to sign in, with something else in what it says. */
function telling(more: Readonly<Record<string, unknown>> = {}, answer: Reply = { body: me }): void {
  api.answer = ({ path }) => {
    if (path !== '/.well-known/oauth-protected-resource') return answer
    const told = { resource: api.url, authorization_servers: [issuer.url], scopes_supported: ['openid', 'email'] }
    return { body: { ...told, purser_client_id: 'purser-cli', purser_audience: 'purser', ...more } }
  }
}

const signIns = () => join(api.directory, 'purser')
const run = (line: string, env: Record<string, string> = {}) =>
  startSigningIn(line, { PURSER_URL: api.url, XDG_CONFIG_HOME: api.directory, PURSER_DATA: '/nonexistent', ...env })
const purser = (line: string, env?: Record<string, string>) => run(line, env).ended

async function signIn(line = 'login --device') {
  const running = run(line)
  await fillForms(await running.said(/or open\s+(\S+)/), 'ann')
  return await running.ended
}

describe('nobody signs in', () => {
  it.each([
    ['at a server without issuers', 'login', 1, 'Set PURSER_TOKEN to a token that its administrator gives you', null],
    [
      'at a server that says that it is another',
      'login',
      1,
      'says that it is https://other.example',
      { resource: 'https://other.example' },
    ],
    ['at a server of another version', 'login', 1, 'not in a way that this version understands', { purser_audience: undefined }],
    ['at an issuer that anybody could be', 'login', 1, 'is no https address', { authorization_servers: ['http://id.example.com'] }],
    ['at an issuer that the server does not name', 'login --issuer https://x.example', 2, 'knows no issuer https://x.example', {}],
    [
      'at one of several issuers without saying which',
      'login',
      2,
      '--issuer',
      { authorization_servers: ['https://a.example', 'https://b.example'] },
    ],
    ['in two ways at once', 'login --browser --device', 2, "'--browser' cannot be used with option '--device'", {}],
    ['as a client that the issuer does not know', 'login --device', 1, 'invalid_client', { purser_client_id: 'other' }],
  ])('%s', async (_, line, exit, text, more) => {
    if (more === null) api.answer = () => refusing({ code: 'not-found' })
    else telling(more)

    const ran = await purser(line)

    expect(ran).toMatchObject({ exit, stdout: '' })
    expect(ran.stderr.replaceAll('\n', ' ')).toContain(text)
    expect(readdirSync(api.directory)).toEqual([])
  })

  it('where the issuer is away, or is none', async () => {
    const away = await deserted()
    telling({ authorization_servers: [away] })
    const nobody = await purser('login --device')
    telling({ authorization_servers: [api.url] })
    const stranger = await purser('login --device')

    expect(nobody).toMatchObject({ exit: 1, stderr: `Nobody answers at ${away} (ECONNREFUSED). Try again, or ask whoever runs it.\n` })
    expect(stranger).toMatchObject({ exit: 1, stderr: expect.stringContaining('answered what no issuer may') })
  })

  it('where what is sent can be read on its way, or can be kept nowhere', async () => {
    telling()

    expect(await purser('login', { PURSER_URL: 'http://purser.example.com' })).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('https'),
    })
    expect(await purser('login', { XDG_CONFIG_HOME: 'relative' })).toMatchObject({ exit: 1, stderr: expect.stringContaining('set HOME') })
    expect(api.seen).toEqual([])
  })

  it('with a token that the server does not take: it is not kept', async () => {
    telling({}, refusing({ code: 'unauthenticated', detail: 'This token is for somebody else.' }))

    const ran = await signIn()

    expect(ran.exit).toBe(1)
    expect(ran.stderr).toContain('signed you in, but')
    expect(ran.stderr.replaceAll('\n', ' ')).toContain('This token is for somebody else.')
    expect(readdirSync(api.directory)).toEqual([])
  })
})

it('the audience is asked for in the way that the provider knows', async () => {
  const asked = async (more: Readonly<Record<string, unknown>>) => {
    telling(more)
    const running = run('login --browser')
    const url = new URL(await running.said(/^(http\S+\/auth\?\S+)$/m))
    running.interrupt()
    await running.ended
    return ['audience', 'resource', 'scope', 'prompt'].map((name) => url.searchParams.get(name))
  }
  const renewable = ['openid', 'email', 'profile', 'offline_access']

  expect(await asked({})).toEqual(['purser', null, 'openid email', null])
  // The issuer says that it knows no scope `profile`.
  expect(await asked({ scopes_supported: renewable })).toEqual(['purser', null, 'openid email offline_access', 'consent'])
  expect(await asked({ purser_audience: 'https://purser.example' })).toEqual([
    'https://purser.example',
    'https://purser.example',
    'openid email',
    null,
  ])
  expect(await asked({ scopes_supported: [...renewable, 'api://purser/use'], purser_audience: 'api://purser' })).toEqual([
    null,
    null,
    'openid email offline_access api://purser/use',
    null,
  ])
})

describe('what is kept', () => {
  it('is used only where nobody else can have read or laid it', async () => {
    telling()
    await signIn()
    const file = join(signIns(), 'credentials.json')
    const seen = api.seen.length
    chmodSync(file, 0o640)
    const loose = await purser('whoami')
    rmSync(file)
    symlinkSync(join(api.directory, 'elsewhere'), file)
    const linked = await purser('whoami')
    rmSync(file)
    writeFileSync(file, '{"version": 1, "signIns": {"x": {}}}', { mode: 0o600 })
    const damaged = await purser('login')

    expect(loose).toMatchObject({ exit: 2, stderr: expect.stringContaining(`chmod 600 ${file}`) })
    expect(linked).toMatchObject({ exit: 2, stderr: expect.stringContaining('is a link, and is not followed') })
    expect(damaged).toMatchObject({ exit: 2, stderr: expect.stringContaining('Remove it, and sign in again') })
    expect(api.seen.length).toBe(seen)
  })

  it('is sent to the server that it is for, and for no other is it touched', async () => {
    telling()
    await signIn()
    await purser('whoami')
    const other = await purser('whoami', { PURSER_URL: `${api.url}/other` })
    await purser('logout', { PURSER_URL: `${api.url}/other` })
    await purser('whoami')

    expect(other.exit).toBe(0)
    expect(api.seen.slice(-3).map(({ path, headers }) => [path, typeof headers.authorization])).toEqual([
      ['/v1/me', 'string'],
      ['/other/v1/me', 'undefined'],
      ['/v1/me', 'string'],
    ])
  })

  it('lies in a folder that is made private, whatever it was', async () => {
    telling()
    mkdirSync(signIns(), { mode: 0o755 })

    const ran = await signIn('login --device -o json')

    expect(JSON.parse(ran.stdout)).toMatchObject({ server: api.url, issuer: issuer.url, subject: 'ann@example.com', renewed: true })
    expect(statSync(signIns()).mode & 0o777).toBe(0o700)
    expect(readdirSync(signIns())).toEqual(['credentials.json'])
  })
})
