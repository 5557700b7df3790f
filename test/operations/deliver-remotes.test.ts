import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readBranchAccess } from '../../src/store/branch-access.ts'
import { serveHttp, type HttpServer } from '../adapters/git-servers.ts'
import { boxes, openHouse } from '../support/house.ts'
import { openYard, type Yard } from '../support/yard.ts'

const house = await openHouse()
await house.apply(boxes)

/** A yard whose repository is behind http, with its token in the file `one`. */
async function behindHttp(): Promise<{ readonly yard: Yard; readonly server: HttpServer; readonly token: (name: string) => string }> {
  // The server is there first, the folder that it serves is the yard's.
  let folder = ''
  const server = await serveHttp(() => folder)
  server.demand('x-access-token:tok-one')
  const token = (name: string) => join(folder, name)
  const yard = await openYard(house, (stage) => {
    folder = stage.directory
    writeFileSync(token('one'), 'tok-one\n')
    return { repository: `${server.url}/gitops.git`, auth: { token: { file: token('one') } } }
  })
  return { yard, server, token }
}

test('a branch behind http waits while its token is wrong, and nothing fails; with the right one it goes on', async () => {
  const { yard, server, token } = await behindHttp()
  const id = await yard.ask({ action: 'create', blueprint: 'box', name: 'a', parameters: { units: 1 } })
  server.demand('x-access-token:tok-two')

  expect(await yard.deliver()).toMatchObject({ retryInMs: expect.any(Number) as number })
  expect(await yard.branch()).toMatchObject({
    state: 'unreachable',
    detail: 'the repository asks for other credentials than it was given',
  })
  expect(await yard.state(id)).toBe('queued')

  writeFileSync(token('one'), 'tok-two')
  expect(await yard.deliver()).toBe('done')
  expect(await yard.state(id)).toBe('committed')
  expect(yard.log()[0]?.trailers).toContain(`Purser-Request: ${id}`)
  await server.close()
  await yard.stage.close()
})

test('a branch is reached as the document in force says, whatever an older one said', async () => {
  const { yard, server, token } = await behindHttp()
  const document = (auth: object) => ({
    apiVersion: 'purser.dev/v1',
    kind: 'Environment',
    metadata: { name: yard.environment },
    spec: {
      gitops: { repository: yard.repository, path: `${yard.environment}/\${team.name}/x`, auth },
      namespace: `\${team.name}-${yard.environment}`,
    },
  })
  const { pool } = house.context.database
  const access = () => readBranchAccess(pool, { repository: yard.repository, branch: 'main' })
  expect(await access()).toEqual({ auth: { token: { file: token('one') } } })
  writeFileSync(token('two'), 'tok-two')
  server.demand('x-access-token:tok-two')

  await house.apply(JSON.stringify(document({ token: { file: token('two') } })))

  expect(await access()).toEqual({ auth: { token: { file: token('two') } } })
  expect(await readBranchAccess(pool, { repository: yard.repository, branch: 'other' })).toEqual({})
  const id = await yard.ask({ action: 'create', blueprint: 'box', name: 'a', parameters: { units: 1 } })
  expect(await yard.deliver()).toBe('done')
  expect(await yard.state(id)).toBe('committed')
  await server.close()
  await yard.stage.close()
})
