import { describe, expect, it } from 'vitest'
import { fakeApiPerTest } from './run-cli.ts'
import { committedRequest, queuedRequest, sampleDiff, sampleRequest } from './samples.ts'

const api = fakeApiPerTest()
const id = sampleRequest.id

describe('requests', () => {
  it('hands every filter on, in the words of the contract', async () => {
    api.answer = () => ({ body: { items: [sampleRequest], pageInfo: { endCursor: null, hasNextPage: false } } })

    await api.purser(
      'requests --team payments --env prod --state queued --requester alice@example.com --resource orders-db --awaiting me --first 5',
    )

    expect(Object.fromEntries(api.seen[0]?.query ?? [])).toEqual({
      team: 'payments',
      environment: 'prod',
      state: 'queued',
      requester: 'alice@example.com',
      resource: 'orders-db',
      awaiting: 'me',
      first: '5',
    })
  })

  it('reads all pages with --all, and no more than asked for without', async () => {
    api.answer = (seen) => {
      const last = seen.query.get('after') === 'two'
      return {
        body: { items: [sampleRequest], pageInfo: { endCursor: seen.query.get('after') === 'one' ? 'two' : 'one', hasNextPage: !last } },
      }
    }

    const all = await api.purser('requests --all -o json')
    const calls = api.seen.length
    const one = await api.purser('requests --first 1')

    expect(calls).toBe(3)
    expect(JSON.parse(all.stdout)).toMatchObject({ items: [{ id }, { id }, { id }], pageInfo: { hasNextPage: false } })
    expect(api.seen).toHaveLength(4)
    expect(one.stdout).toContain('There are more')
  })

  it('shows one by its id, or what it changes', async () => {
    api.answer = (seen) => (seen.path.endsWith('/diff') ? { text: sampleDiff } : { body: sampleRequest })

    const whole = await api.purser(`requests ${id}`)
    const diff = await api.purser(`requests ${id} --diff`)

    expect(whole.stdout).toContain('Reason   orders go live')
    expect(diff.stdout).toBe(sampleDiff)
    expect(api.seen.map((seen) => seen.path)).toEqual([`/v1/requests/${id}`, `/v1/requests/${id}/diff`])
  })

  it.each([
    'requests --diff',
    `requests ${id} --team a`,
    'requests --first 0',
    'requests --first 3 --all',
    'requests --state open',
    'requests --awaiting you',
  ])('asks nobody on wrong usage: %s', async (line) => {
    expect((await api.purser(line)).exit).toBe(2)
    expect(api.seen).toHaveLength(0)
  })
})

describe('approve', () => {
  function serveRequest(request = sampleRequest): void {
    api.answer = (seen) => (seen.path.endsWith('/diff') ? { text: sampleDiff } : { body: seen.method === 'POST' ? queuedRequest : request })
  }

  it('sends the digest of the plan that was shown and confirmed', async () => {
    serveRequest()

    const ran = await api.purser(`approve ${id} --comment fine`, { terminal: true, stdin: 'y\n' })

    expect(ran.exit).toBe(0)
    expect(ran.stderr).toContain(sampleRequest.plan.digest)
    expect(ran.stderr).toContain('+kind: ExternalSecret')
    expect(api.seen.at(-1)).toMatchObject({
      method: 'POST',
      path: `/v1/requests/${id}/approve`,
      body: { planDigest: sampleRequest.plan.digest, comment: 'fine' },
    })
  })

  it.each(['n\n', '\n', '', 'maybe\n'])('sends nothing unless the answer is yes: %j', async (stdin) => {
    serveRequest()

    const ran = await api.purser(`approve ${id}`, { terminal: true, stdin })

    expect(ran.exit).toBe(1)
    expect(api.seen.some((seen) => seen.method === 'POST')).toBe(false)
  })

  it('never approves unseen: without a terminal it takes the digest', async () => {
    serveRequest()

    const blind = await api.purser(`approve ${id}`, { stdin: 'y\n' })
    const seen = api.seen.length
    const named = await api.purser(`approve ${id} --digest sha256:1`)

    expect([blind.exit, seen, named.exit]).toEqual([2, 0, 0])
    expect(api.seen).toMatchObject([{ method: 'POST', body: { planDigest: 'sha256:1' } }])
  })

  it('asks nothing about a request that waits for nobody', async () => {
    serveRequest(committedRequest)

    const ran = await api.purser(`approve ${id}`, { terminal: true, stdin: 'y\n' })

    expect(ran.exit).toBe(1)
    expect(ran.stderr).toContain('It is committed: there is nothing to approve.')
    expect(api.seen.some((seen) => seen.method === 'POST')).toBe(false)
  })

  it('shows escapes in what the requester wrote, instead of obeying them', async () => {
    serveRequest({ ...sampleRequest, reason: 'nothing\x1b[2J\x1b[H to see' })

    const ran = await api.purser(`approve ${id} --no-color`, { terminal: true, stdin: 'n\n' })

    expect(ran.stderr).toContain('nothing\\u{1b}[2J\\u{1b}[H to see')
    expect(ran.stderr).not.toContain('\x1b')
  })
})

describe('reject and cancel', () => {
  it('reject says why', async () => {
    api.answer = () => ({ body: { ...sampleRequest, state: 'rejected', nextAction: null } })

    const ran = await api.purser(['reject', id, '--comment', 'too big'])

    expect(ran).toMatchObject({ exit: 0, stdout: `${id} rejected\n` })
    expect(api.seen).toMatchObject([{ method: 'POST', path: `/v1/requests/${id}/reject`, body: { comment: 'too big' } }])
    expect((await api.purser(`reject ${id}`)).exit).toBe(2)
  })

  it('cancel sends no body, and is not repeated when the connection is lost', async () => {
    api.answer = () => 'drop'

    const ran = await api.purser(`cancel ${id}`)

    expect(ran.exit).toBe(1)
    expect(api.seen).toMatchObject([{ method: 'POST', path: `/v1/requests/${id}/cancel`, body: undefined }])
  })
})
