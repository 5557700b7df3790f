import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { openBrowser } from '../support/browser.ts'
import { commitAll } from '../support/delivery.ts'
import { boxes } from '../support/house.ts'
import { openServer } from '../support/server.ts'

const { house, url, token } = await openServer()
await house.apply(boxes)

test('the client asks, follows and waits in a browser', async () => {
  const bundled = await build({
    entryPoints: ['src/client/client.ts'],
    bundle: true,
    write: false,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    format: 'iife',
    globalName: 'purserClient',
  })
  const page = await openBrowser()
  // A page of the same origin that may fetch.
  await page.open(`${url}/docs`)
  await page.evaluate(`${bundled.outputFiles[0]?.text}; globalThis.createClient = purserClient.createClient; null`)

  await page.evaluate(`globalThis.told = []; void (async () => {
    const client = createClient({ url: location.origin, token: '${token}', onBehalfOf: 'ann@example.com' })
    const changes = [{ action: 'create', blueprint: 'box', name: 'a', parameters: { units: 1 } }]
    const request = await client.submitRequest({ body: { team: 'red', environment: 'lab', changes } })
    told.push(request.state)
    for await (const { type } of client.follow(request)) told.push(type)
    told.push((await client.waitFor(request)).state)
    told.push(await client.readRequest({ path: { id: 'req_x' } }).catch(({ name, code }) => name + ' ' + code))
  })().catch((error) => told.push(String(error))); null`)
  await page.until(`told.length > 0`)
  await expect.poll(() => commitAll(house.context.database.pool)).toHaveLength(1)
  await page.until(`told.length === 5`)

  expect(await page.evaluate('told')).toEqual([
    'queued',
    'dev.purser.request.submitted.v1',
    'dev.purser.request.committed.v1',
    'committed',
    'PurserProblem not-found',
  ])
})
