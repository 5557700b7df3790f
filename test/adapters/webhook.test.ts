import { execFileSync } from 'node:child_process'
import type { LookupAddress } from 'node:dns'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { judgeAddresses, parseAllowedAddresses } from '../../src/core/addresses.ts'
import { createHooks, type HookOptions } from '../../src/adapters/webhook/post.ts'
import { Secret } from '../../src/core/secret.ts'
import type { HookAnswer } from '../../src/operations/ports.ts'
import { serveHooks } from './hook-server.ts'

const hooks = await serveHooks()
const folder = mkdtempSync(join(tmpdir(), 'purser-hooks-'))
afterAll(async () => {
  await hooks.close()
  rmSync(folder, { recursive: true })
})
const never = new AbortController().signal
const loopback = { private: false, ranges: ['127.0.0.1/32'] }
const publicOnly = { private: false, ranges: [] }

function post(url: string, more: Partial<HookOptions> = {}, text = 'hello'): Promise<HookAnswer> {
  return createHooks({ secrets: { PURSER_SECRET_HOOK: new Secret(url) }, allowed: loopback, ...more }).post(
    { env: 'PURSER_SECRET_HOOK' },
    text,
    never,
  )
}

describe('an address', () => {
  const strict = judgeAddresses(publicOnly)

  test.each([
    ['unspecified', '0.0.0.0 0.1.2.3 ::'],
    ['loopback', '127.0.0.1 127.255.255.254 ::1'],
    ['private', '10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fc00::1 fdff::1'],
    ['of a carrier’s own network', '100.64.0.1 100.127.255.255'],
    [
      'link-local, where clouds answer with secrets',
      '169.254.169.254 169.254.170.2 fe80::1 fe80::1%eth0 fd00:ec2::254 100.100.100.200 168.63.129.16 fd20:ce::254',
    ],
    ['multicast, broadcast or kept', '224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 ff02::1'],
    ['for examples and benchmarks', '192.0.2.1 198.51.100.1 203.0.113.1 198.18.0.1 2001:db8::1 3fff::1'],
    [
      'IPv4 in disguise',
      '::ffff:127.0.0.1 ::ffff:a00:1 ::ffff:169.254.169.254 64:ff9b::10.0.0.1 ::127.0.0.1 2002:7f00:1::1 2001:0:7f00:1::',
    ],
    ['of a local NAT64', '64:ff9b:1::1.1.1.1'],
    ['no address at all', 'localhost 1.2.3 1.2.3.4.5 :::'],
  ])('that is %s is refused', (_, addresses) => {
    expect(addresses.split(' ').filter((address) => strict(address, 'https'))).toEqual([])
  })

  test('that is public is spoken to over https, and only over https', () => {
    const addresses = ['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::1.1.1.1']

    expect(addresses.filter((address) => strict(address, 'https'))).toEqual(addresses)
    expect(addresses.filter((address) => strict(address, 'http'))).toEqual([])
  })

  test('that is allowed is spoken to, also without encryption, and its neighbours are not', () => {
    const some = judgeAddresses({ private: false, ranges: ['10.20.0.0/16', '::1', '169.254.169.254'] })

    expect(['10.20.1.1', '::1', '169.254.169.254', '::ffff:10.20.0.1'].every((address) => some(address, 'http'))).toBe(true)
    expect(['10.21.0.1', '127.0.0.1', '169.254.169.253'].some((address) => some(address, 'https'))).toBe(false)
  })

  test('that is private is meant by "true", and those with secrets of a cloud are not', () => {
    const all = judgeAddresses({ private: true, ranges: [] })

    expect(['10.0.0.1', '127.0.0.1', '::1', 'fd12::1', '100.64.0.1'].every((address) => all(address, 'http'))).toBe(true)
    expect(
      ['169.254.169.254', 'fe80::1', 'fd00:ec2::254', 'fd20:ce::254', '100.100.100.200', '0.0.0.0', '224.0.0.1'].some((a) =>
        all(a, 'https'),
      ),
    ).toBe(false)
  })

  test('range that is none is not taken for one', () => {
    expect(['yes', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/8,', 'fd12::/129', '/8', 'example.com'].map(parseAllowedAddresses)).toEqual(
      Array.from({ length: 7 }, () => null),
    )
  })
})

describe('a post', () => {
  test('is what incoming webhooks of Slack and Mattermost take', async () => {
    expect(await post(`${hooks.url}/form`, {}, 'a "quoted"\nline')).toEqual({ kind: 'taken' })

    expect(hooks.arrived.at(-1)).toEqual({ path: '/form', type: 'application/json', body: '{"text":"a \\"quoted\\"\\nline"}' })
  })

  test.each<readonly [string, Parameters<typeof hooks.answer>[1], Partial<HookAnswer>]>([
    ['gone', { status: 404, body: 'no_service' }, { kind: 'gone', why: 'it answered 404 no_service' }],
    ['gone for good', { status: 410 }, { kind: 'gone' }],
    ['not allowed any more', { status: 403, body: 'https://x/secret' }, { kind: 'gone', why: 'it answered 403' }],
    ['not taken', { status: 400, body: 'invalid_payload' }, { kind: 'refused' }],
    ['sent elsewhere', { status: 307, headers: { location: `${hooks.url}/elsewhere` } }, { kind: 'refused', why: 'it answered 307' }],
    ['one too many', { status: 429, headers: { 'retry-after': '30' } }, { kind: 'busy', retryAfterS: 30 }],
    ['too early', { status: 503 }, { kind: 'busy', retryAfterS: null }],
    ['too much', { status: 500 }, { kind: 'unreachable' }],
    ['taken with a novel for an answer', { status: 200, body: Buffer.alloc(5_000_000, 'x') }, { kind: 'taken' }],
  ])('that is %s is told so', async (name, answer, expected) => {
    hooks.answer(`/${encodeURIComponent(name)}`, answer)

    expect(await post(`${hooks.url}/${encodeURIComponent(name)}`)).toMatchObject(expected)
    expect(hooks.texts('/elsewhere')).toEqual([])
  })

  test('that nobody answers ends in time', async () => {
    hooks.answer('/slow', 'hang')

    expect(await post(`${hooks.url}/slow`, { timeoutMs: 50 })).toEqual({ kind: 'unreachable', why: 'it did not answer in time' })
  })

  test('goes to nobody without a URL, and says nothing of what was there instead', async () => {
    const wrong = ['', 'ftp://h/x', 'hunter2', 'https://a b', `https://h/${'x'.repeat(3_000)}`, 'https://h/x\nhttps://h/y']

    const answers = await Promise.all(wrong.map((url) => post(url)))
    expect(new Set(answers.map((answer) => answer.kind))).toEqual(new Set(['unreachable']))
    expect(JSON.stringify(answers)).not.toMatch(/hunter2|h\/x|ftp/)
    expect(await createHooks({ secrets: {}, allowed: loopback }).post({ env: 'PURSER_SECRET_NONE' }, '', never)).toMatchObject({
      kind: 'unreachable',
      why: 'there is no variable PURSER_SECRET_NONE, which contact.webhook names',
    })
  })

  test('reads its file anew each time', async () => {
    const file = join(folder, 'hook')
    const both = createHooks({ secrets: {}, allowed: loopback })
    writeFileSync(file, `${hooks.url}/first\n`)
    await both.post({ file }, '1', never)
    writeFileSync(file, `${hooks.url}/second\n`)
    await both.post({ file }, '2', never)

    expect([hooks.texts('/first'), hooks.texts('/second')]).toEqual([['1'], ['2']])
    expect(await both.post({ file: join(folder, 'none') }, '', never)).toMatchObject({ kind: 'unreachable' })
  })
})

describe('where a hook leads', () => {
  /** A name that has these addresses, one answer after the other. */
  function resolving(...answers: readonly (readonly string[])[]) {
    const asked: string[] = []
    const left = [...answers]
    const resolve: HookOptions['resolve'] = (host, done) => {
      asked.push(host)
      const found = left.length > 1 ? left.shift() : left[0]
      done(
        null,
        (found ?? []).map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    }
    return { resolve, asked }
  }

  test.each(['127.0.0.1', '127.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost', '169.254.169.254', '0'])(
    'is not %s, unless that is allowed',
    async (host) => {
      const before = hooks.arrived.length

      expect(await post(`http://${host}:${hooks.port}/private`, { allowed: publicOnly })).toMatchObject({ kind: 'forbidden' })
      expect(await post(`https://${host}:${hooks.port}/private`, { allowed: publicOnly })).toMatchObject({ kind: 'forbidden' })
      expect(hooks.arrived.length).toBe(before)
    },
  )

  test('is asked at the connection: a name that was allowed a moment ago leads nowhere else', async () => {
    const name = resolving(['127.0.0.1'], ['127.0.0.2'])
    const rebound = createHooks({
      secrets: { PURSER_SECRET_HOOK: new Secret(`http://rebind.example:${hooks.port}/rebound`) },
      allowed: loopback,
      resolve: name.resolve,
    })

    expect(await rebound.post({ env: 'PURSER_SECRET_HOOK' }, '1', never)).toEqual({ kind: 'taken' })
    expect(await rebound.post({ env: 'PURSER_SECRET_HOOK' }, '2', never)).toMatchObject({ kind: 'forbidden' })
    expect(name.asked).toEqual(['rebind.example', 'rebind.example'])
    expect(hooks.texts('/rebound')).toEqual(['1'])
  })

  test('is only those of its addresses that are allowed, and the name is not asked twice', async () => {
    const name = resolving(['10.1.2.3', '127.0.0.1'], ['10.1.2.3'])

    expect(await post(`http://mixed.example:${hooks.port}/mixed`, { resolve: name.resolve })).toEqual({ kind: 'taken' })
    expect(name.asked).toEqual(['mixed.example'])
    expect(await post(`http://mixed.example:${hooks.port}/mixed`, { resolve: name.resolve })).toMatchObject({ kind: 'forbidden' })
  })

  test('over https is whoever a known authority vouches for', async () => {
    execFileSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=hook.example -addext subjectAltName=DNS:hook.example -keyout ${folder}/key -out ${folder}/cert`.split(
        ' ',
      ),
      { stdio: 'ignore' },
    )
    const [key, cert] = [readFileSync(join(folder, 'key'), 'utf8'), readFileSync(join(folder, 'cert'), 'utf8')]
    const secure = await serveHooks({ key, cert })
    const { resolve } = resolving(['127.0.0.1'])

    try {
      expect(await post(`https://hook.example:${secure.port}/a`, { resolve, ca: cert })).toEqual({ kind: 'taken' })
      expect(await post(`https://hook.example:${secure.port}/a`, { resolve })).toMatchObject({
        kind: 'unreachable',
        why: expect.stringContaining('SELF_SIGNED') as string,
      })
      expect(await post(`https://other.example:${secure.port}/a`, { resolve, ca: cert })).toMatchObject({ kind: 'unreachable' })
      expect(secure.texts('/a')).toEqual(['hello'])
    } finally {
      await secure.close()
    }
  })
})
