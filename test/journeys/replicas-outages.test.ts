import { renameSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { expect, test, vi } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { outcomeOf, textAt, type Answer } from '../support/api.ts'
import { budget } from '../support/house.ts'
import { ann, asking, box, times } from '../support/journey.ts'
import { openRedis, openReplicas, PATIENCE, type Replicas } from '../support/replicas.ts'
import type { Purser } from '../support/server.ts'

/**
 * What three that answer and three that deliver do while PostgreSQL is restarted, while the repository cannot be reached, and
 * while one of them is exchanged for another.
 */
vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 })

const redis = await openRedis()
if (redis === null) test.skip('outages of what several processes share', () => undefined)
else tell(await openReplicas(redis.url, budget('red', "{ scope: { team: red }, limit: '100000.00' }")))

function tell(replicas: Replicas): void {
  const { at, purse, database } = replicas
  const accepted: string[] = []

  function submit(one: Purser, name: string): Promise<Answer> {
    return one.api('POST', '/v1/requests', asking('red', box(name, 1)), { ...ann, key: name })
  }

  /** Three people who ask on and on, and try again with the same key what was answered 503; resolves when they were told to stop. */
  function load(name: string, choose: (i: number) => Purser): Load {
    let stop = false
    const outcomes = new Map<string, number>()
    const done = times(3, async (i) => {
      for (let n = 0; !stop; n++) {
        let answer = await submit(choose(i), `${name}-${i}-${n}`)
        for (; answer.status === 503; answer = await submit(choose(i), `${name}-${i}-${n}`)) {
          expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
          count(outcomes, outcomeOf(answer))
        }
        count(outcomes, outcomeOf(answer))
        if (answer.status !== 202) throw new Error(`${answer.text}\n${replicas.bugs().join('\n')}`)
        accepted.push(textAt(answer, 'id'))
      }
    })
    return {
      outcomes,
      async more(outcome, times) {
        const goal = (outcomes.get(outcome) ?? 0) + times
        await Promise.race([done, vi.waitFor(() => expect(outcomes.get(outcome) ?? 0).toBeGreaterThanOrEqual(goal), PATIENCE)])
      },
      async end() {
        stop = true
        await done
      },
    }
  }

  const ready = () => times(3, async (i) => (await at(i).api('GET', '/readyz')).status)

  test.each([
    ['is stopped', () => database.stop()],
    ['has crashed', () => database.crash()],
  ])('while PostgreSQL %s the answer is 503 with Retry-After, and then all six go on by themselves', async (how, takeAway) => {
    const asked = load(how.replace(' ', '-'), at)
    await asked.more('202 queued', 30)

    await takeAway()
    await asked.more('503 unavailable', 10)
    await vi.waitFor(async () => expect(await ready()).toEqual([503, 503, 503]), PATIENCE)
    await database.start()
    await asked.more('202 queued', 30)
    await vi.waitFor(async () => expect(await ready()).toEqual([200, 200, 200]), PATIENCE)
    await asked.end()

    expect([...asked.outcomes.keys()].toSorted()).toEqual(['202 queued', '503 unavailable'])
    await replicas.untilCommitted(accepted)
    expect(replicas.committed().toSorted()).toEqual(accepted.toSorted())
    expect(await purse.query('select count(*)::int as requests from request')).toEqual([{ requests: accepted.length }])
  })

  test('all of them hear of a new policy again after PostgreSQL was away', async () => {
    for (let round = 0; round < 6; round++) {
      const units = 20 + round
      await replicas.apply(
        at(round),
        `{ apiVersion: purser.dev/v1, kind: Policy, metadata: { name: fresh }, spec: { match: { blueprints: [box] }, rules: [
          { name: fresh, when: 'parameters.units == ${units}', effect: deny, message: 'Not now', remedy: Take another } ] } }`,
      )
      const answers = await times(3, (i) => at(i).api('POST', '/v1/requests', asking('red', box(`heard-${round}-${i}`, units)), ann))
      expect(answers.map(outcomeOf)).toEqual(Array.from({ length: 3 }, () => '403 policy-denied'))
    }
  })

  test('while the repository cannot be reached requests wait, /readyz and doctor say so, and nothing fails', async () => {
    const away = `${replicas.repository}.away`
    renameSync(replicas.repository, away)
    const ids = await times(9, async (i) => textAt(await submit(at(i), `away-${i}`), 'id'))
    const repositories = () => times(3, async (i) => (await at(i).api('GET', '/readyz')).body)
    const state = (word: string) => ({ ready: true, checks: { repositories: [{ branch: 'main', state: word }] } })

    await vi.waitFor(async () => expect(await repositories()).toMatchObject([1, 2, 3].map(() => state('unreachable'))), PATIENCE)
    const doctor = replicas.run('doctor')
    expect(await doctor.ended).toEqual({ code: 1, signal: null })
    expect(doctor.stdout()).toMatch(/^FAIL +branch +main of file:.* cannot be pushed to/im)
    const states = "select distinct state from request where type_id('req', id) = any($1)"
    expect(await purse.query(states, [ids])).toEqual([{ state: 'queued' }])

    renameSync(away, replicas.repository)
    accepted.push(...ids)
    await replicas.untilCommitted(accepted)
    await vi.waitFor(async () => expect(await repositories()).toMatchObject([1, 2, 3].map(() => state('ok'))), PATIENCE)
    expect(replicas.committed().toSorted()).toEqual(accepted.toSorted())
  })

  test('one is exchanged for another under load, and nobody who asks is refused', async () => {
    let next = 0
    const asked = load('exchange', () => at(next++))
    await asked.more('202 queued', 30)

    // As a rolling update does it: the new one is there before the old one goes, and that one is asked nothing more.
    replicas.serve.push(await replicas.startServe())
    const [old] = replicas.serve.splice(0, 1)
    expect(await old?.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    await asked.more('202 queued', 30)
    await asked.end()

    expect([...asked.outcomes.keys()]).toEqual(['202 queued'])
    await replicas.untilCommitted(accepted)
    expect(replicas.committed().toSorted()).toEqual(accepted.toSorted())
  })

  test('a process that is told to stop answers what reaches it on open connections, under load', async () => {
    const stopped = replicas.serve.shift() ?? at(0)
    // More who ask than connections, so that none is ever idle.
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    const answered: string[] = []
    const ends = times(24, async (i) => {
      for (let n = 0; ; n++) {
        const outcome = await post(stopped, agent, asking('red', box(`stopped-${i}-${n}`, 1)))
        if (!outcome.startsWith('req_')) return outcome
        answered.push(outcome)
      }
    })
    await vi.waitFor(() => expect(answered.length).toBeGreaterThan(48), PATIENCE)

    expect(await stopped.stop('SIGTERM')).toEqual({ code: 0, signal: null })

    // Whoever is refused a connection has sent nothing: a balancer asks another process.
    expect([...new Set(await ends)]).toEqual(['ECONNREFUSED'])
    accepted.push(...answered)
    await replicas.untilCommitted(accepted)
    expect(replicas.committed().toSorted()).toEqual(accepted.toSorted())
  })

  test('all of them end by themselves when they are told to, and no figure disagrees with another', async () => {
    expect((await replicas.stopAll()).filter(({ code, signal }) => code !== 0 || signal !== null)).toEqual([])
    expect(replicas.bugs()).toEqual([])
    expect(await purse.discrepancies()).toEqual([])
  })
}

/** The id of the request, or what else came of it. */
function post({ url, token }: Purser, agent: Agent, body: JsonObject): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, 'purser-on-behalf-of': 'ann@example.com', 'content-type': 'application/json' }
  return new Promise((resolve) => {
    const asked = request(`${url}/v1/requests`, { method: 'POST', agent, headers }, (answer) => {
      let text = ''
      answer.on('data', (chunk: Buffer) => (text += String(chunk)))
      answer.once('end', () => resolve(/"id":"(req_\w+)"/.exec(text)?.[1] ?? text))
      answer.once('error', (error) => resolve(error.message))
    })
    asked.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    asked.end(JSON.stringify(body))
  })
}

type Load = {
  /** How often each was answered. */
  readonly outcomes: ReadonlyMap<string, number>
  /** Resolves when so many more were answered that. */
  more(outcome: string, times: number): Promise<void>
  /** Lets everybody have their answer. */
  end(): Promise<void>
}

function count(counts: Map<string, number>, word: string): void {
  counts.set(word, (counts.get(word) ?? 0) + 1)
}
