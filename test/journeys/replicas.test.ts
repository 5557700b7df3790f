import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { outcomeOf, textAt } from '../support/api.ts'
import { budget } from '../support/house.ts'
import { ann, asking, box, tally, times } from '../support/journey.ts'
import { openRedis, openReplicas, parentOf, PATIENCE, type Redis, type Replicas } from '../support/replicas.ts'
import type { Purser, Run } from '../support/server.ts'
import { connect, subscribe, type Client as Follower, type Message } from '../support/socket-client.ts'

/**
 * More than one of each: three that answer and three that deliver, on a real PostgreSQL and a real Redis. Real processes, so
 * nothing here is said about time.
 */
vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 })

const redis = await openRedis()
if (redis === null) test.skip('several processes on one Redis', () => undefined)
else tell(redis, await openReplicas(redis.url, budget('hundred', "{ scope: { team: red }, limit: '100.00' }")))

function tell({ server }: Redis, replicas: Replicas): void {
  const { at, purse, repository } = replicas
  /** Every request that was ever accepted here. */
  const accepted: string[] = []

  async function submit(i: number, name: string): Promise<string> {
    const answer = await at(i).api('POST', '/v1/requests', asking('red', box(name, 1)), ann)
    expect(outcomeOf(answer), answer.text).toBe('202 queued')
    accepted.push(textAt(answer, 'id'))
    return textAt(answer, 'id')
  }

  test('L1: two hundred submits over three processes get what the budget has, to the last unit', async () => {
    const answers = await times(200, (i) => at(i).api('POST', '/v1/requests', asking('red', box(`many-${i}`, 1)), ann))

    expect(tally(answers)).toEqual({ '202 queued': 100, '409 budget-exceeded': 100 })
    accepted.push(...answers.filter(({ status }) => status === 202).map((answer) => textAt(answer, 'id')))
    await replicas.untilCommitted(accepted)
    expect(await purse.counters('hundred')).toBe('10000+0/10000')
  })

  test('L6: what three workers delivered is one commit a request', async () => {
    await replicas.untilCommitted(accepted)
    expect(replicas.committed().toSorted()).toEqual(accepted.toSorted())
    await replicas.apply(at(0), budget('hundred', "{ scope: { team: red }, limit: '100000.00' }"))
  })

  test('L7: one Idempotency-Key at all processes at once is one request, and the same answer', async () => {
    const rounds = await times(20, (round) =>
      times(6, (i) => at(i).api('POST', '/v1/requests', asking('red', box(`once-${round}`, 1)), { ...ann, key: `once-${round}` })),
    )

    for (const answers of rounds) {
      expect(tally(answers)).toEqual({ '202 queued': 6 })
      const ids = new Set(answers.map((answer) => textAt(answer, 'id')))
      expect(ids.size).toBe(1)
      accepted.push(...ids)
    }
    await replicas.untilCommitted(accepted)
    expect(replicas.committed().toSorted()).toEqual(accepted.toSorted())
  })

  test('a policy that one process has stored decides in all of them, from its answer on', async () => {
    for (let round = 0; round < 12; round++) {
      const units = 20 + round
      await replicas.apply(
        at(round),
        `{ apiVersion: purser.dev/v1, kind: Policy, metadata: { name: fresh }, spec: { match: { blueprints: [box] }, rules: [
          { name: fresh, when: 'parameters.units == ${units}', effect: deny, message: 'Not now', remedy: Take another } ] } }`,
      )
      const answers = await times(6, (i) => at(i).api('POST', '/v1/requests', asking('red', box(`denied-${round}-${i}`, units)), ann))
      expect(tally(answers)).toEqual({ '403 policy-denied': 6 })
    }
  })

  test('a worker that is killed in the middle of a batch is replaced by the others', async () => {
    const hook = holdPushes(repository)
    const before = await submit(0, 'before-the-kill')
    const killed = await pushing(hook)

    await killed.stop('SIGKILL')
    const after = [await submit(1, 'after-the-kill'), await submit(2, 'after-the-kill-too')]

    // The push of the dead one hangs all the time, and must not count.
    await replicas.untilCommitted([before, ...after])
    hook.letGo()
    replicas.work.splice(replicas.work.indexOf(killed), 1, await replicas.startWork())
    expect(replicas.committed().toSorted()).toEqual(accepted.toSorted())
  })

  test('a worker that is told to stop in the middle of a batch ends it first', async () => {
    const hook = holdPushes(repository)
    const request = await submit(0, 'before-the-stop')
    const stopped = await pushing(hook)

    const ended = stopped.stop('SIGTERM')
    hook.letGo()

    expect(await ended).toEqual({ code: 0, signal: null })
    expect(await purse.query("select state from request where type_id('req', id) = $1", [request])).toEqual([{ state: 'committed' }])
    replicas.work.splice(replicas.work.indexOf(stopped), 1, await replicas.startWork())
    expect(replicas.committed().toSorted()).toEqual(accepted.toSorted())
  })

  test.skipIf(server === null)('a Redis that is stopped, emptied and started under load loses nothing', async () => {
    let stop = false
    let submitted = 0
    const load = times(3, async (i) => {
      for (let n = 0; !stop; n++) {
        await submit(i, `burn-${i}-${n}`)
        submitted++
      }
    })
    const more = async (count: number) => {
      const goal = submitted + count
      await vi.waitFor(() => expect(submitted).toBeGreaterThanOrEqual(goal), PATIENCE)
    }
    const queueOk = async () => times(3, async (i) => (await at(i).api('GET', '/readyz')).text.includes('"queue":{"ok":true'))

    await more(30)
    await server?.stop()
    await more(30)
    await vi.waitFor(async () => expect(await queueOk()).toEqual([false, false, false]), PATIENCE)
    // One that is started meanwhile waits with the others.
    const waits = replicas.startWork()
    await server?.start()
    replicas.work.push(await waits)
    await more(30)
    await vi.waitFor(async () => expect(await queueOk()).toEqual([true, true, true]), PATIENCE)
    stop = true
    await load

    await replicas.untilCommitted(accepted)
    expect(replicas.committed().toSorted()).toEqual(accepted.toSorted())
  })

  test('the next version works beside this one: it waits for its migration, that disturbs nobody, and this one starts no more', async () => {
    const worker = replicas.next('work')
    const server = replicas.next('serve')
    await worker.printed(/^purser waits: the database lacks migration 99990101000000_next;/m)
    let stop = false
    const load = times(3, async (i) => {
      for (let n = 0; !stop; n++) await submit(i, `beside-${i}-${n}`)
    })

    const [, url = ''] = await server.printed(/^purser ready on (\S+)$/m)
    await worker.printed(/^purser is working$/m)
    const asked = times(9, async (i) => {
      const headers = {
        authorization: `Bearer ${at(i).token}`,
        'purser-on-behalf-of': 'ann@example.com',
        'content-type': 'application/json',
      }
      const body = asking('red', box(`both-${i}`, 1))
      const key = { 'idempotency-key': `both-${i}` }
      const [mine, theirs] = await Promise.all([
        at(i).api('POST', '/v1/requests', body, { ...ann, key: `both-${i}` }),
        fetch(`${url}/v1/requests`, { method: 'POST', headers: { ...headers, ...key }, body: JSON.stringify(body) }),
      ])
      expect([outcomeOf(mine), theirs.status]).toEqual(['202 queued', 202])
      expect((await theirs.json()) as object).toMatchObject({ id: textAt(mine, 'id') })
      accepted.push(textAt(mine, 'id'))
    })
    await asked
    stop = true
    await load

    expect(await times(3, async (i) => (await at(i).api('GET', '/readyz')).status)).toEqual([200, 200, 200])
    const late = replicas.run('serve')
    expect(await late.ended).toEqual({ code: 1, signal: null })
    expect(late.stderr()).toContain('The database is newer than this Purser')
    await replicas.untilCommitted(accepted)
    expect(replicas.committed().toSorted()).toEqual(accepted.toSorted())
    expect(await Promise.all([server.stop('SIGTERM'), worker.stop('SIGTERM')])).toEqual([1, 2].map(() => ({ code: 0, signal: null })))
  })

  test('what one process was asked for is told by the others, and goes on at one of them when that one stops', async () => {
    const query = 'subscription($after: String) { teamActivity(team: "red", after: $after) { cursor event { id type subject } } }'
    const follow = async (one: Purser, after: string | null): Promise<Follower> => {
      const client = connect(one.url, { init: { authorization: `Bearer ${one.token}`, 'purser-on-behalf-of': 'ann@example.com' } })
      await client.nextOf('connection_ack')
      await subscribe(client, 'red', query, { after })
      return client
    }
    const [stopped, other] = [at(1), at(2)]
    let here = await follow(stopped, null)
    const there = await follow(other, null)
    const seen: string[] = []
    let cursor: string | null = null
    /** Takes steps until the request is committed. */
    const until = async (client: Follower, request: string): Promise<readonly Step[]> => {
      for (const steps: Step[] = []; ;) {
        const step = stepIn(await client.nextOf('next'))
        steps.push(step)
        if (step.event.subject === request && step.event.type.endsWith('.committed.v1')) return steps
      }
    }
    const note = (steps: readonly Step[]) => {
      seen.push(...steps.map(({ event }) => event.id))
      cursor = steps.at(-1)?.cursor ?? cursor
    }

    note(await until(here, await submit(0, 'told-elsewhere')))
    const ended = stopped.stop('SIGTERM')
    expect(await here.closed).toBe('1012 Restarting')
    expect(await ended).toEqual({ code: 0, signal: null })
    replicas.serve.splice(replicas.serve.indexOf(stopped), 1)
    const meanwhile = await submit(0, 'told-meanwhile')
    await replicas.untilCommitted([meanwhile])
    here = await follow(other, cursor)
    note(await until(here, meanwhile))
    const last = await submit(0, 'told-at-last')
    note(await until(here, last))

    // Who stayed all the time has seen the same.
    expect(seen).toEqual((await until(there, last)).map(({ event }) => event.id))
    expect(new Set(seen).size).toBe(seen.length)
    for (const client of [here, there]) client.socket.terminate()
  })

  test('three processes together slow down whoever tries credentials, well before each alone would, and nobody else', async () => {
    const wrong = `psr_${'x'.repeat(40)}`
    const tries: number[] = []
    await vi.waitFor(
      async () => {
        const statuses = (await times(3, (i) => at(i).api('GET', '/v1/me', undefined, { token: wrong }))).map(({ status }) => status)
        tries.push(...statuses)
        expect(statuses).toEqual([429, 429, 429])
      },
      { ...PATIENCE, interval: 1 },
    )

    // 60 a minute is what an address has; each for itself would have answered 180.
    expect(tries.filter((status) => status === 401).length).toBeLessThan(140)
    expect((await times(3, (i) => at(i).api('GET', '/v1/me', undefined, ann))).map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test('all of them end by themselves when they are told to, and no figure disagrees with another', async () => {
    expect((await replicas.stopAll()).filter(({ code, signal }) => code !== 0 || signal !== null)).toEqual([])
    expect(replicas.bugs()).toEqual([])
    expect(await purse.discrepancies()).toEqual([])
  })

  /** The worker whose push the repository is thinking about. */
  async function pushing(hook: Hook): Promise<Run> {
    return vi.waitFor(() => {
      for (let pid = hook.process(); pid > 1; pid = parentOf(pid)) {
        const found = replicas.work.find((one) => one.pid === pid)
        if (found !== undefined) return found
      }
      throw new Error('no worker is pushing')
    }, PATIENCE)
  }
}

type Step = { readonly cursor: string; readonly event: { readonly id: string; readonly type: string; readonly subject: string } }

function stepIn({ payload }: Message): Step {
  return (payload as { readonly data: { readonly teamActivity: Step } }).data.teamActivity // As it was asked for.
}

type Hook = { process(): number; letGo(): void }

/** The repository thinks about the next push, and only that, until it is let go. */
function holdPushes(repository: string): Hook {
  const [thinking, go] = [join(repository, 'thinking'), join(repository, 'go')]
  for (const left of [thinking, go]) rmSync(left, { recursive: true, force: true })
  mkdirSync(join(repository, 'hooks'), { recursive: true })
  const hook = join(repository, 'hooks/pre-receive')
  const lines = [
    '#!/bin/sh',
    `if mkdir '${thinking}' 2>/dev/null; then`,
    `  echo $PPID > '${thinking}/new' && mv '${thinking}/new' '${thinking}/pid'`,
    `  while [ -d '${thinking}' ] && [ ! -e '${go}' ]; do sleep 0.02; done`,
    'fi',
  ]
  writeFileSync(hook, `${lines.join('\n')}\n`)
  chmodSync(hook, 0o755)
  return {
    process: () => (existsSync(join(thinking, 'pid')) ? Number(readFileSync(join(thinking, 'pid'), 'utf8')) : 0),
    letGo: () => writeFileSync(go, ''),
  }
}
