import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deliverySteps } from '../../src/operations/deliver-turn.ts'
import { makeKey, type Key } from '../adapters/git-servers.ts'
import { boxes, openHouse } from '../support/house.ts'
import { openYard, type Yard } from '../support/yard.ts'

const house = await openHouse()
await house.apply(boxes)

let yard: Yard
let key: Key
beforeEach(async () => {
  yard = await openYard(house, (stage) => {
    key = makeKey(join(stage.directory, 'signing'))
    return { signingKey: { file: key.file } }
  })
})
afterEach(() => yard.stage.close())

/** The request of each commit and whether it is signed, oldest first. */
const committed = () =>
  yard
    .log()
    .map(({ sha, trailers }) => [
      trailers[0]?.replace('Purser-Request: ', ''),
      yard.stage.foreign(['cat-file', 'commit', sha]).includes('BEGIN SSH SIGNATURE'),
    ])
    .toReversed()

class Crash extends Error {}

describe.each(deliverySteps)('at the step %s', (at) => {
  test('a crash leaves one signed commit for each request, though the key is another one afterwards', async () => {
    const ids = await yard.askMany(['a', 'b', 'c'])
    const crash = yard.deliver({
      reach: (step) => {
        if (step === at) throw new Crash(at)
      },
    })
    await expect(crash).rejects.toThrow(Crash)

    writeFileSync(key.file, readFileSync(makeKey(join(yard.stage.directory, 'another')).file))
    expect(await yard.deliver()).toBe('done')

    expect(committed()).toEqual(ids.map((id) => [id, true]))
    expect(await Promise.all(ids.map((id) => yard.state(id)))).toEqual(['committed', 'committed', 'committed'])
    expect(await yard.money()).toBe('300+0')
  })
})

test('nothing goes unsigned where the key is away: the branch waits, says why, and goes on when it is back', async () => {
  const [id = ''] = await yard.askMany(['a'])
  const text = readFileSync(key.file)
  writeFileSync(key.file, 'not a key')

  await yard.deliver()
  expect(await yard.branch()).toMatchObject({
    state: 'unreachable',
    detail: 'what gitops.signingKey names is no private Ed25519 key without a passphrase (ssh-keygen -t ed25519)',
  })
  expect(await yard.state(id)).toBe('queued')

  writeFileSync(key.file, text)
  await yard.deliver()
  expect(committed()).toEqual([[id, true]])
})
