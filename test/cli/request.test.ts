import { describe, expect, it } from 'vitest'
import { refusing } from './fake-api.ts'
import { fakeApiPerTest } from './run-cli.ts'
import { committedRequest, queuedRequest, sampleRequest } from './samples.ts'

const api = fakeApiPerTest()
const id = sampleRequest.id

describe('request', () => {
  const line = 'request create postgres orders-db --team payments --env prod size=m'

  it('asks once, under a key of its own', async () => {
    api.answer = () => ({ status: 202, body: sampleRequest })

    const ran = await api.purser(`${line} --plan-digest sha256:1`)
    await api.purser(line)

    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.stdout).toContain(`${id} pending_approval`)
    expect(api.seen[0]?.body).toMatchObject({ planDigest: 'sha256:1' })
    expect(api.seen[0]?.headers).not.toHaveProperty('prefer')
    expect(api.seen[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
    expect(api.seen[1]?.headers['idempotency-key']).not.toBe(api.seen[0]?.headers['idempotency-key'])
  })

  it('repeats a call whose connection was lost under the same key', async () => {
    api.answer = (_, nth) => (nth === 1 ? 'drop' : { status: 202, body: sampleRequest, headers: { 'idempotency-replayed': 'true' } })

    const ran = await api.purser(line)

    expect(ran.exit).toBe(0)
    expect(api.seen).toHaveLength(2)
    expect(new Set(api.seen.map((seen) => seen.headers['idempotency-key'])).size).toBe(1)
  })

  it('prints the key when the connection stays lost, so that asking again gives the same request', async () => {
    api.answer = () => 'drop'

    const ran = await api.purser(`${line} --idempotency-key mine`)

    expect(ran.exit).toBe(1)
    expect(ran.stderr).toContain('--idempotency-key mine')
    expect(api.seen.every((seen) => seen.headers['idempotency-key'] === 'mine')).toBe(true)
  })

  it('waits as long as the server asks when it is busy', async () => {
    api.answer = (_, nth) =>
      nth < 3
        ? refusing({ code: 'unavailable', detail: 'Later.', retryAfterS: 7 }, { 'retry-after': '7' })
        : { status: 202, body: sampleRequest }

    const ran = await api.purser(line)

    expect(ran).toMatchObject({ exit: 0, pauses: [7000, 7000] })
  })

  it('follows a request through approval to its commit', async () => {
    const states = [sampleRequest, sampleRequest, queuedRequest, committedRequest]
    api.answer = (_, nth) => ({ status: nth === 1 ? 202 : 200, body: states[nth - 1] ?? committedRequest })

    const ran = await api.purser(`${line} --wait`)

    expect(ran.exit).toBe(0)
    expect(api.seen[0]?.headers.prefer).toBe('wait=10')
    expect(api.seen.slice(1).map((seen) => seen.path)).toEqual([1, 2, 3].map(() => `/v1/requests/${id}`))
    expect(ran.stderr.trimEnd().split('\n')).toEqual([
      `${id} pending_approval · Waits for 1 approval by an approver of team dba`,
      `${id} queued · Waits for its commit`,
      `${id} committed`,
    ])
    expect(ran.stdout).toContain('Commit   0123456789abcdef')
  })

  it('takes the words after --wait for what they are', async () => {
    api.answer = () => ({ status: 202, body: committedRequest })

    const ran = await api.purser('request --wait delete orders-db --team payments --env prod')

    expect(ran.exit).toBe(0)
    expect(api.seen[0]?.body).toMatchObject({ changes: [{ action: 'delete', name: 'orders-db' }] })
  })

  it('leaves the id on a terminal, writes its progress over below it and leaves nothing of that', async () => {
    api.answer = (_, nth) => ({ body: nth === 1 ? queuedRequest : committedRequest })

    const ran = await api.purser(`${line} --wait --no-color`, { terminal: true })

    expect(ran.stderr.split('\r\x1b[2K')).toEqual([`${id}\n`, 'queued · Waits for its commit', 'committed', ''])
  })

  it.each([
    ['denied', 3],
    ['rejected', 4],
    ['cancelled', 4],
    ['expired', 4],
    ['failed', 5],
    ['committed', 0],
    ['ready', 0],
  ] as const)('ends with the code of the state that it came to: %s', async (state, exit) => {
    api.answer = (_, nth) => ({ body: nth === 1 ? queuedRequest : { ...sampleRequest, state } })

    expect((await api.purser(`${line} --wait=committed`)).exit).toBe(exit)
  })

  it('ends with 6 when the time is up, and says how to go on', async () => {
    api.answer = () => ({ body: sampleRequest })

    const ran = await api.purser(`${line} --wait --timeout 10s`)

    expect(ran.exit).toBe(6)
    expect(ran.stderr).toContain(`purser requests ${id}`)
    expect(ran.pauses.reduce((sum, ms) => sum + ms, 0)).toBe(10_000)
  })

  it('outlives a server that is away while it waits', async () => {
    api.answer = (_, nth) => (nth === 1 ? { body: queuedRequest } : nth < 8 ? 'drop' : { body: committedRequest })

    expect((await api.purser(`${line} --wait`)).exit).toBe(0)
  })

  it.each([
    [refusing({ code: 'policy-denied', violations: [], budgets: [], requestId: id }), 3],
    [refusing({ code: 'budget-exceeded', budgets: [], requestId: id }), 3],
    [refusing({ code: 'forbidden', detail: 'No.', needs: 'developer in payments' }), 1],
    [refusing({ code: 'internal' }), 1],
  ])('ends with 3 when policy or a budget says no, with 1 on any other refusal', async (reply, exit) => {
    api.answer = () => reply

    expect((await api.purser(line)).exit).toBe(exit)
  })
})
