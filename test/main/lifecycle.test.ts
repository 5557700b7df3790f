import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createLifecycle } from '../../src/main/lifecycle.ts'
import { createLog } from '../../src/main/log.ts'

function start() {
  const signals = new EventEmitter()
  const exits: number[] = []
  const lifecycle = createLifecycle(createLog('silent'), signals, (code) => exits.push(code))
  return { signals, exits, lifecycle }
}

test('what was started last stops first, each only after the one before it', async () => {
  const { signals, lifecycle } = start()
  const seen: string[] = []
  for (const name of ['database', 'worker', 'http']) {
    lifecycle.onStop(name, 1_000, async () => {
      seen.push(`${name} begins`)
      await turn()
      seen.push(`${name} ends`)
    })
  }

  signals.emit('SIGTERM', 'SIGTERM')

  expect(lifecycle.stopping.aborted).toBe(true)
  expect(await lifecycle.finished).toBe(0)
  expect(seen).toEqual(['http begins', 'http ends', 'worker begins', 'worker ends', 'database begins', 'database ends'])
})

test('a phase that hangs or fails keeps no other from its turn, and the exit code tells', async () => {
  const { signals, lifecycle } = start()
  let databaseStopped = false
  lifecycle.onStop('database', 1_000, async () => (databaseStopped = true))
  lifecycle.onStop('worker', 1, () => new Promise(() => undefined))
  lifecycle.onStop('http', 1_000, () => Promise.reject(new Error('no')))

  signals.emit('SIGINT', 'SIGINT')

  expect(await lifecycle.finished).toBe(1)
  expect(databaseStopped).toBe(true)
})

test('the same Ctrl-C that arrives twice, from the terminal and from npm, is one', () => {
  const { signals, exits, lifecycle } = start()
  lifecycle.onStop('http', 1_000, () => new Promise(() => undefined))

  signals.emit('SIGINT', 'SIGINT')
  signals.emit('SIGINT', 'SIGINT')

  expect(exits).toEqual([])
})

test('losing what it cannot be without stops the process with exit code 1', async () => {
  const { lifecycle } = start()

  lifecycle.fail('the database is gone', new Error('gone'))

  expect(await lifecycle.finished).toBe(1)
})

test('a stop in the middle of a start lets it go no further, and stops what it had started', async () => {
  const { signals, lifecycle } = start()
  const seen: string[] = []
  let arrived: () => void = () => undefined
  const database = new Promise<void>((resolve) => (arrived = resolve))
  async function starting(): Promise<void> {
    await database
    lifecycle.onStop('database', 1_000, async () => seen.push('database stops'))
    seen.push('http starts')
  }
  lifecycle.starting(starting())

  signals.emit('SIGINT', 'SIGINT')
  await turn()
  arrived()

  expect(await lifecycle.finished).toBe(0)
  expect(seen).toEqual(['database stops'])
})
