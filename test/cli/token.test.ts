import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runPurser } from './run-cli.ts'

type Reply = { readonly status: number; readonly body: object; readonly headers?: Record<string, string> }

/** Who was asked for what: a CI system that gives identities, and a server that takes each once and answers `/v1/me`. */
let asked: string[] = []
let exchanges: (() => Reply)[] = []
let server: Server
let url = ''
let cache = ''

beforeEach(async () => {
  asked = []
  exchanges = []
  cache = mkdtempSync(join(tmpdir(), 'purser-job-'))
  let given = 0
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake')
      const form = new URLSearchParams(Buffer.concat(chunks).toString())
      const { authorization = 'nobody' } = request.headers
      const answer = (status: number, body: object, headers = {}) =>
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
      if (pathname === '/identity') {
        asked.push(`identity for ${searchParams.get('audience')} (${searchParams.get('api-version')}) by ${authorization}`)
        answer(200, { value: `identity-${++given}` })
      } else if (pathname === '/v1/token') {
        const { subject_token: subject, ...others } = Object.fromEntries(form)
        asked.push(
          `exchange of ${subject}${others['trust'] === undefined ? '' : ` by ${others['trust']}`}${others['scope'] === undefined ? '' : ` for ${others['scope']}`}`,
        )
        const { status, body, headers } = exchanges.shift()?.() ?? granted(`for-${subject}`)
        answer(status, body, headers)
      } else {
        asked.push(`${pathname} by ${authorization}`)
        answer(200, { subject: 'orders-ci', kind: 'service-account', scopes: ['read'], platformRoles: [], teams: [] })
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // It listens on TCP.
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  rmSync(cache, { recursive: true })
})

const granted = (token: string, seconds = 900): Reply => ({
  status: 200,
  body: { access_token: token, expires_in: seconds, scope: 'read requests:write' },
})
const purser = (line: string, env: Record<string, string>, stdin = '') =>
  runPurser(line.split(' '), { env: { PURSER_URL: url, XDG_CACHE_HOME: cache, ...env }, stdin })
const gitHub = () => ({ ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/identity?api-version=2`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-the-job' })
const gitLab = { PURSER_ID_TOKEN: 'identity' }

it('a job is its service account without a word, and the next command is it too', async () => {
  const first = await purser('whoami', gitLab)
  await purser('whoami', gitLab)

  expect(first.exit).toBe(0)
  expect(first.stdout).toContain('the identity of this job')
  expect(asked).toEqual(['exchange of identity', '/v1/me by Bearer for-identity', '/v1/me by Bearer for-identity'])
})

it('where the CI system gives identities to whoever asks, it is asked', async () => {
  await purser('whoami', { ...gitHub(), PURSER_AUDIENCE: 'purser-prod', PURSER_TRUST: 'deploy' })
  await purser('whoami', gitHub())

  expect(asked).toEqual([
    'identity for purser-prod (2) by Bearer of-the-job',
    'exchange of identity-1 by deploy',
    '/v1/me by Bearer for-identity-1',
    'identity for purser (2) by Bearer of-the-job',
    'exchange of identity-2',
    '/v1/me by Bearer for-identity-2',
  ])
})

it('a token that is given goes first', async () => {
  await purser('whoami', { ...gitLab, PURSER_TOKEN: 'mine' })

  expect(asked).toEqual(['/v1/me by Bearer mine'])
})

it('what the identity was exchanged for is for this user alone, this job alone, and this server alone', async () => {
  await purser('whoami', gitLab)
  const folder = join(cache, 'purser')
  const [name = ''] = readdirSync(folder)

  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
  expect(readFileSync(join(folder, name), 'utf8')).not.toContain('"identity"')
  await purser('whoami', { PURSER_ID_TOKEN: 'another' })
  await purser('whoami', { ...gitLab, PURSER_URL: `${url}/` })
  await purser('whoami', { ...gitLab, PURSER_URL: `http://localhost:${new URL(url).port}` })
  expect(asked.filter((line) => line.startsWith('exchange'))).toEqual([
    'exchange of identity',
    'exchange of another',
    'exchange of identity',
  ])
})

it('neither a link nor what others may write is believed, and what is about to end is not sent', async () => {
  await purser('whoami', gitLab)
  const [name = ''] = readdirSync(join(cache, 'purser'))
  const path = join(cache, 'purser', name)
  renameSync(path, join(cache, 'elsewhere'))
  symlinkSync(join(cache, 'elsewhere'), path)
  exchanges = [() => granted('short', 20)]

  await purser('whoami', gitLab)
  await purser('whoami', gitLab)
  expect(asked.filter((line) => line.startsWith('exchange'))).toHaveLength(3)
})

it('purser token prints it alone', async () => {
  const alone = await purser('token', gitLab)
  const json = await purser('token --scope read --trust deploy -o json', gitHub())
  const stdin = await purser('token -', {}, ' from-stdin\n')

  expect(alone).toMatchObject({ exit: 0, stdout: 'for-identity\n', stderr: '' })
  expect(JSON.parse(json.stdout)).toMatchObject({ token: 'for-identity-1', scope: 'read requests:write' })
  expect(stdin).toMatchObject({ exit: 0, stdout: 'for-from-stdin\n' })
  expect(asked.filter((line) => line.startsWith('exchange'))).toEqual([
    'exchange of identity',
    'exchange of identity-1 by deploy for read',
    'exchange of from-stdin',
  ])
})

it('purser token says what it lacks', async () => {
  expect(await purser('token', {})).toMatchObject({ exit: 1, stdout: '', stderr: expect.stringContaining('PURSER_ID_TOKEN') })
  expect(await purser('token -', {})).toMatchObject({ exit: 2, stderr: 'There is no token on standard input.\n' })
  expect(await purser('token /nonexistent', {})).toMatchObject({ exit: 2, stderr: 'There is no token in /nonexistent.\n' })
})

it('a refusal is told in the words of the server, and nothing is asked', async () => {
  const error = { error: 'invalid_request', error_description: 'No Trust of this installation takes this token.' }
  exchanges = [() => ({ status: 400, body: error })]

  expect(await purser('whoami', gitLab)).toMatchObject({
    exit: 1,
    stderr: `${url} does not take the identity of this job (invalid_request). No Trust of this installation takes this token.\n`,
  })
  expect(asked).toEqual(['exchange of identity'])
})

it('a server that cannot take it at the moment is asked again, with a new identity where there is one', async () => {
  const away = { status: 503, body: { error: 'temporarily_unavailable', error_description: '' }, headers: { 'retry-after': '7' } }
  exchanges = [() => away]
  const ran = await purser('whoami', gitHub())
  exchanges = [() => ({ ...away, headers: { 'retry-after': '60' } })]
  const late = await purser('whoami', { ...gitHub(), PURSER_TRUST: 'other' })

  expect(ran).toMatchObject({ exit: 0, pauses: [7_000] })
  expect(late).toMatchObject({ exit: 1, pauses: [] })
  expect(asked.filter((line) => line.startsWith('exchange'))).toEqual([
    'exchange of identity-1',
    'exchange of identity-2',
    'exchange of identity-3 by other',
  ])
})

it.each([
  ['a CI system that refuses', () => ({ ...gitHub(), ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/v1/me` }), 'permissions: id-token: write'],
  ['a CI system at no address', () => ({ ...gitHub(), ACTIONS_ID_TOKEN_REQUEST_URL: 'nowhere' }), 'is no address'],
  ['nobody at the address', () => ({ ...gitLab, PURSER_URL: 'http://127.0.0.1:1' }), 'does not answer'],
  ['something that is no Purser', () => ({ ...gitLab, PURSER_URL: `${url}/other` }), 'Check PURSER_URL'],
])('%s', async (_, env, said) => {
  expect(await purser('whoami', env())).toMatchObject({ exit: 1, stdout: '', stderr: expect.stringContaining(said) })
})
