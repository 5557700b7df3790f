import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, NotCommitted, WaitedTooLong, type Client, type Schemas } from '../../src/client/client.ts'
import { hasJq, installIn } from '../support/installed.ts'
import { startPurser, type Purser } from '../support/server.ts'

/**
 * What people put in front of the API, against a started server with its example platform: the scripts, the bot and the client. The
 * examples are run where somebody would copy them to, beside an installed package.
 */

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'purser-clients-'))
let purser: Purser
let client: Client

beforeAll(async () => {
  ;[purser] = await Promise.all([startPurser({ data: join(folder, 'data') }), installIn(folder)])
  client = createClient(purser)
})
afterAll(async () => {
  await purser.stop()
  rmSync(folder, { recursive: true, force: true })
})

const { PATH = '' } = process.env
const scripted = hasJq()
if (!scripted) process.stderr.write('jq is not installed: left out is examples/scripts\n')

describe.skipIf(!scripted)('every script of examples/scripts does what it says', () => {
  const run = new Set<string>()

  type Ended = { readonly code: number | null; readonly printed: string; readonly told: string }

  /** Runs one for a person. */
  async function script(person: string, name: string, ...words: readonly string[]): Promise<Ended> {
    run.add(`${name}.sh`)
    const child = spawn(join(folder, 'examples/scripts', `${name}.sh`), words, {
      cwd: folder,
      env: {
        PATH,
        PURSER_URL: purser.url,
        PURSER_TOKEN: purser.token,
        KEY: `${name} ${words.join(' ')}`,
        REASON: 'scripts',
        ...(person === 'admin' ? {} : { PURSER_ON_BEHALF_OF: `${person}@example.com` }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
    })
    let [printed, told] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (printed += String(chunk)))
    child.stderr.on('data', (chunk: Buffer) => (told += String(chunk)))
    const [code] = (await once(child, 'close')) as [number | null] // What `close` tells.
    return { code, printed, told }
  }

  async function prints(expected: RegExp, person: string, name: string, ...words: readonly string[]): Promise<string> {
    const ended = await script(person, name, ...words)
    expect(ended, `${name} ${words.join(' ')}`).toMatchObject({ code: 0, told: '' })
    expect(ended.printed).toMatch(expected)
    return ended.printed
  }

  const idIn = (printed: string) => /req_[0-9a-z]{26}/.exec(printed)?.[0] ?? ''
  const digestIn = (printed: string) => /sha256:[0-9a-f]{64}/.exec(printed)?.[0] ?? ''

  test('ask, look, change and take away', async () => {
    await prints(/^alice@example\.com \(asked by admin\)\nScopes: .*\nowner in team payments\n$/, 'alice', 'whoami')
    const what = ['payments', 'dev', 'postgres', 'scripts-db', 'size=s']
    const planned = await prints(
      /would be committed at once\.\nDigest sha256:.*\n {2}create tenants\/payments\/dev\//,
      'alice',
      'plan',
      ...what,
    )

    const asked = await prints(/is committed as [\s\S]* is committed\n/, 'alice', 'request', ...what)
    const again = await prints(/req_/, 'alice', 'request', ...what)

    expect(digestIn(asked)).toBe(digestIn(planned))
    expect(idIn(again)).toBe(idIn(asked))
    await prints(/is committed as [\s\S]*Commit [0-9a-f]{40} on main of embedded\n$/, 'alice', 'wait', idIn(asked))
    await prints(/^\S+ submitted by alice@example\.com\n\S+ committed by \S+\n$/, 'alice', 'follow', idIn(asked))
    await prints(/update .*\n/, 'alice', 'update', 'payments', 'dev', 'scripts-db', 'storageGB=40')
    await prints(/dev\/scripts-db {2}postgres@1\.2\.0 {2}\d+\.\d\d EUR {2}unknown\n/, 'alice', 'resources', 'payments')
    await prints(/payments: \d+\.\d\d of 4000\.00 left/, 'alice', 'budgets')
    await prints(/capture {2}\d+\.\d\d {2}req_/, 'alice', 'budgets', 'payments')
    await prints(/delete .*\n/, 'alice', 'delete', 'payments', 'dev', 'scripts-db')
    await prints(/request\.submitted\.v1 req_.* by alice@example\.com\n/, 'alice', 'events', 'payments', 'cursor')
    await prints(/^$/, 'alice', 'events', 'payments', 'cursor')
  })

  test('approve, reject, cancel and try again', async () => {
    const asked = await prints(
      /pending_approval\n/,
      'alice',
      'request',
      'payments',
      'prod',
      'postgres',
      'big-db',
      'size=s',
      'storageGB=600',
    )
    const id = idIn(asked)
    await prints(new RegExp(`^${id} {2}payments/prod {2}alice@example.com .* EUR {2}scripts$`, 'm'), 'bob', 'approvals')
    await prints(/^\+kind: PostgreSQLInstance$/m, 'bob', 'approve', id)
    expect(await script('alice', 'approve', id, digestIn(asked))).toMatchObject({
      code: 22,
      told: expect.stringMatching(/\(own-request\)\n/) as string,
    })
    await prints(/rejected/, 'bob', 'reject', id, 'Too big')
    const second = idIn(await prints(/pending_approval\n/, 'alice', 'retry', id))
    await prints(/cancelled/, 'alice', 'cancel', second)

    const last = await prints(/pending_approval\n/, 'carol', 'request', 'payments', 'prod', 'postgres', 'big-db', 'size=s', 'storageGB=700')
    await prints(/queued|committed/, 'bob', 'approve', idIn(last), digestIn(last), 'Fits')
    await prints(/approved by bob@example\.com\n.* committed by/, 'carol', 'follow', idIn(last))
  })

  test('apply documents, and be told every no in words', async () => {
    writeFileSync(
      join(folder, 'team.yaml'),
      'apiVersion: purser.dev/v1\nkind: Team\nmetadata: { name: guests }\nspec: { members: [{ user: gus@example.com, role: owner }] }\n',
    )
    await prints(/^Would be done:\n {2}Team guests created\nApplied as revision \d+\n$/, 'admin', 'apply', 'team.yaml')

    const minted = await script('admin', 'bot-token', 'script-bot', 'platform', 'payments')
    expect(minted).toMatchObject({ code: 0, told: expect.stringMatching(/four eyes/i) as string })
    const { credential } = await createClient({ url: purser.url, token: minted.printed.trim(), onBehalfOf: 'alice@example.com' }).readMe()
    expect(credential).toMatchObject({ kind: 'api-token' })

    expect(await script('alice', 'plan', 'payments', 'dev', 'postgres', 'wide-db', 'size=l')).toMatchObject({ code: 1, told: '' })
    const denied = await script('alice', 'request', 'payments', 'dev', 'postgres', 'wide-db', 'size=l')
    expect(denied).toMatchObject({ code: 22, printed: '' })
    expect(denied.told).toMatch(/^Policy denies this \(policy-denied\)\n.*In dev a database has size s or m/)
    expect(await script('dave', 'wait', 'req_00000000000000000000000000')).toMatchObject({ code: 22 })
    expect(await script('dave', 'follow', 'req_00000000000000000000000000')).toMatchObject({ code: 22, told: 'Not found (not-found)\n\n' })
  })

  test('none is longer than forty lines, and none is left out here', () => {
    const names = readdirSync(join(root, 'examples/scripts')).filter((name) => name.endsWith('.sh') && name !== 'purser.sh')

    expect([...run].toSorted()).toEqual(names.toSorted())
    for (const name of names) expect(readFileSync(join(root, 'examples/scripts', name), 'utf8').split('\n').length).toBeLessThanOrEqual(41)
  })
})

/** A program of examples/bots, and what it says from now on. */
function bot(name: string, env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [`${name}.mjs`], {
    cwd: join(folder, 'examples/bots'),
    env: { PATH, PURSER_URL: purser.url, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  afterAll(() => child.kill('SIGKILL'))
  let faults = ''
  child.stderr.on('data', (chunk: Buffer) => (faults += String(chunk)))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    faults: () => faults,
    /** The match of the next line that matches. */
    async says(pattern: RegExp): Promise<RegExpExecArray> {
      for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
        const match = pattern.exec(line.value)
        if (match !== null) return match
      }
      throw new Error(`it ended without ${String(pattern)}: ${faults}`)
    },
  }
}

describe('the bot', () => {
  /** A token of its own, for the people of two teams. */
  let token: string
  beforeAll(async () => {
    await client.createServiceAccount({ body: { name: 'chat-bot', team: 'platform' } })
    const scopes = ['read', 'requests:write', 'approvals:write', 'impersonate'] as const
    const body = { scopes: [...scopes], expiresIn: 3_600, impersonateTeams: ['payments', 'dba'] }
    token = (await client.createToken({ path: { name: 'chat-bot' }, body })).token
  })

  test('asks for whom types, takes no vote of who asked, and tells the commit of what another one approved', async () => {
    const { child, says, faults } = bot('console-chat', { PURSER_TOKEN: token })
    const types = (person: string, text: string) => child.stdin.write(`${person}@example.com> purser ${text}\n`)

    types('alice', 'request postgres chat-db --team payments --env prod --reason launch size=s storageGB=600')
    await says(/create postgres chat-db .* waits for 1 approval/i)
    await says(/^req_\S+ sha256:[0-9a-f]{12}: \d+\.\d\d EUR a month$/)
    await says(/^ {2}create tenants\/payments\/prod\/chat-db\//)
    const [, id = '', digest = ''] = await says(/^To approve: purser approve (req_\S+) (sha256:[0-9a-f]{12})$/)
    types('bob', `approve ${id} sha256:000000000000`)
    await says(/^That is not the plan of req_/)
    types('alice', `approve ${id} ${digest}`)
    await says(/You had a part in this request\. Somebody else has to decide/)
    types('dave', `show ${id}`)
    await says(/^Not found$/)
    types('bob', `approve ${id} ${digest}`)
    await says(/approved by bob@example\.com\.$/)
    const [, commit = ''] = await says(/^Commit ([0-9a-f]{40}) on main of embedded$/)

    const request = await client.readRequest({ path: { id } })
    expect(request).toMatchObject({ delivery: { commit }, requester: { subject: 'alice@example.com', via: 'chat-bot' } })
    expect(request.approvals).toMatchObject([{ by: 'bob@example.com', vote: 'approve' }])

    types('alice', 'request postgres wide-db --team payments --env dev size=l')
    await says(/In dev a database has size s or m/)
    types('alice', 'what?')
    await says(/^purser plan\|request/)
    child.stdin.end()
    await once(child, 'close')
    expect(faults()).toBe('')
  })

  test('in a chat with webhooks it hears nobody without the token of the chat, and a message that comes twice once', async () => {
    const posted: { text: string; channel: string }[] = []
    const chat = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += String(chunk)))
      request.on('end', () => {
        posted.push(JSON.parse(body) as { text: string; channel: string }) // What the bot posts.
        response.end()
      })
    }).listen(0, '127.0.0.1')
    await once(chat, 'listening')
    afterAll(() => chat.close())
    const { port } = chat.address() as AddressInfo // It listens on a port.
    writeFileSync(join(folder, 'examples/bots/people.json'), '{"alice": "alice@example.com"}')
    const { says } = bot('webhook-chat', {
      PURSER_TOKEN: token,
      CHAT_TOKEN: 'secret-of-the-chat',
      CHAT_WEBHOOK: `http://127.0.0.1:${port}/hooks/1`,
      PORT: '0',
    })
    const [, url = ''] = await says(/^listening on (\S+)$/)
    const sends = async (form: Record<string, string>) =>
      (await fetch(url, { method: 'POST', body: new URLSearchParams({ channel_name: 'payments', post_id: 'p1', ...form }) })).status
    const text = 'purser request postgres hook-db --team payments --env dev size=s'

    expect(await sends({ token: 'guess', user_name: 'alice', text })).toBe(401)
    expect(await sends({ token: 'secret-of-the-chat', user_name: 'mallory', text })).toBe(200)
    await expect.poll(() => posted).toEqual([{ text: 'I do not know mallory.', channel: 'payments' }])
    expect(await sends({ token: 'secret-of-the-chat', user_name: 'alice', text: text.replace('request', 'plan') })).toBe(200)
    await expect.poll(() => posted.length).toBe(2)
    expect(await sends({ token: 'secret-of-the-chat', user_name: 'alice', text })).toBe(200)
    expect(await sends({ token: 'secret-of-the-chat', user_name: 'alice', text })).toBe(200)
    await expect.poll(() => posted.length, { timeout: 10_000 }).toBe(6)

    expect(posted[1]?.text).toMatch(/create postgres hook-db .* would be committed at once/)
    expect(posted.slice(2).filter(({ text: said }) => said.includes('\nCommit '))).toHaveLength(2)
    expect((await client.listRequests({ query: { resource: 'hook-db' } })).items).toHaveLength(1)
  })
})

describe('the client', () => {
  const body = (name: string, more: object = {}): Schemas['RequestInput'] => ({
    team: 'shop',
    environment: 'prod',
    changes: [{ action: 'create', blueprint: 'postgres', name, parameters: { size: 's', ...more } }],
  })

  test('waits for the commit, and does once what is sent twice', async () => {
    const grace = client.as('grace@example.com')
    const plan = await grace.planRequest({ body: body('client-db') })
    const header = { 'Idempotency-Key': 'client-db' }

    const request = await grace.submitRequest({ body: { ...body('client-db'), planDigest: plan.plan.digest }, header })
    const { response } = await grace.http.POST('/v1/requests', {
      body: { ...body('client-db'), planDigest: plan.plan.digest },
      params: { header },
    })
    const done = await grace.waitFor(request)

    expect(response.headers.get('idempotency-replayed')).toBe('true')
    expect(done).toMatchObject({ id: request.id, state: 'committed', requester: { subject: 'grace@example.com' } })
    expect(done.plan.digest).toBe(plan.plan.digest)
    expect(await grace.readRequestDiff({ path: { id: request.id } })).toContain('+kind: PostgreSQLInstance')
  })

  test('tells what happens to a request to its end, and throws where no commit comes', async () => {
    const grace = client.as('grace@example.com')
    const request = await grace.submitRequest({ body: body('no-db', { storageGB: 600 }) })
    await expect(grace.waitFor(request, { timeoutMs: 1 })).rejects.toBeInstanceOf(WaitedTooLong)
    const waited = expect(grace.waitFor(request)).rejects.toBeInstanceOf(NotCommitted)
    const settled = grace.waitFor(request, { until: 'settled' })
    const types: string[] = []
    for await (const { type } of grace.follow(request)) {
      types.push(type)
      if (types.length === 1) await client.as('bob@example.com').rejectRequest({ path: { id: request.id }, body: { comment: 'no' } })
    }

    await waited
    expect((await settled).state).toBe('rejected')
    expect(types).toEqual(['submitted', 'rejected'].map((word) => `dev.purser.request.${word}.v1`))
  })

  test('throws refusals with all that they say', async () => {
    const grace = client.as('grace@example.com')

    await expect(grace.submitRequest({ body: body('x-db', { size: 'xl' }) })).rejects.toMatchObject({
      name: 'PurserProblem',
      status: 422,
      code: 'invalid-parameters',
      errors: [{ pointer: '/changes/0/parameters/size' }],
      correlationId: expect.stringMatching(/./) as string,
    })
    await expect(grace.follow('req_00000000000000000000000000')[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'not-found' })
    await expect(grace.applyDocuments({ body: 'kind: Team' })).rejects.toMatchObject({ name: 'PurserProblem' })
  })

  test('follows a team from now on', async () => {
    const over = new AbortController()
    const events = client.followTeam('shop', { signal: over.signal })[Symbol.asyncIterator]()
    const first = events.next()
    const asked: Promise<unknown>[] = []
    // Until the stream is open nothing of it is seen; so it is asked until something is.
    await expect
      .poll(async () => {
        asked.push(client.as('grace@example.com').submitRequest({ body: body(`team-db-${asked.length}`) }))
        return Promise.race([first.then(({ value }) => value?.type as unknown), Promise.all(asked).then(() => null)])
      })
      .toBe('dev.purser.request.submitted.v1')

    const second = events.next()
    over.abort(new Error('enough'))
    await expect(second.then(() => events.next())).rejects.toThrow('enough')
    await Promise.all(asked)
  })
})
