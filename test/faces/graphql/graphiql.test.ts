import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildGraphiql } from '../../../scripts/build-graphiql.ts'
import { graphiqlPage } from '../../../src/faces/graphql/graphiql-page.ts'
import { applyExamples } from '../../../src/main/apply-examples.ts'
import { openBrowser, type Page } from '../../support/browser.ts'
import { openGraphqlHouse } from './graphql-house.ts'

/** The page as it is built, on the platform of the examples, in a real Chromium that finds no other host. */

const folder = await mkdtemp(join(tmpdir(), 'purser-graphiql-'))
const { app, token, house, rest } = await openGraphqlHouse({ pages: (open) => graphiqlPage(open, folder) })
let url: string
let page: Page

beforeAll(async () => {
  await Promise.all([
    buildGraphiql(folder),
    applyExamples(house.context, house.administrator, pino({ level: 'silent' })),
    app.listen({ host: '127.0.0.1', port: 0 }).then((address) => (url = address)),
    openBrowser().then((opened) => (page = opened)),
  ])
  await page.open(`${url}/graphiql`)
})
afterAll(() => rm(folder, { recursive: true }))

/** The text that a part of the page shows, without its spaces: long lines are broken, in pieces of their own. */
const shown = (selector: string) => `(document.querySelector('${selector} .view-lines')?.textContent ?? '').replaceAll(/\\s/g, '')`

/** Runs what is in the tab of a name, and waits for an answer with a text. */
async function run(tab: string, text: string): Promise<void> {
  const button = `[...document.querySelectorAll('.graphiql-tab-button')].find(({ textContent }) => textContent.trim() === '${tab}')`
  await page.until(`${button} !== undefined`)
  await page.evaluate(`${button}.click()`)
  await page.until(`/(query|mutation|subscription)${tab}\\W/.test(${shown('.graphiql-query-editor')})`)
  await page.click('.graphiql-execute-button')
  await page.until(`${shown('.result-window')}.includes('${text.replaceAll(' ', '')}')`)
}

test('without a token the page is there, and the answer says that one is needed', async () => {
  await run('Me', '"code": "unauthenticated"')
})

test('with a token the examples run, from a plan to the graph, and their answers are shown', async () => {
  await page.type('input[name=purser-token]', token)
  await run('Me', '"subject": "admin"')
  await page.type('input[name=purser-on-behalf-of]', 'alice@example.com')
  await run('Me', '"subject": "alice@example.com"')
  await run('Plan', '"outcome": "REQUIRES_APPROVAL"')
  await run('Submit', '"state": "PENDING_APPROVAL"')
  await run('Requests', 'create postgres graph-db')
  await run('Graph', '"title": "Payments"')
})

test('a query is written, put into shape and run', async () => {
  await page.click('.graphiql-tab-add')
  await page.until(`${shown('.graphiql-query-editor')} === ''`)
  await page.type('.graphiql-query-editor textarea', 'query Own { me { kind } }')
  await page.until(`${shown('.graphiql-query-editor')} === 'queryOwn{me{kind}}'`)
  await page.click('[aria-label^="Prettify"]')
  await page.until(`document.querySelectorAll('.graphiql-query-editor .view-line').length >= 5`)
  await run('Own', '"kind": "PERSON"')
})

test('a subscription shows what happens as it happens', async () => {
  await run('Activity', '"event": null')
  const change = { action: 'create', blueprint: 'postgres', name: 'another-db', parameters: { size: 's' } }
  const asked = { team: 'payments', environment: 'dev', reason: 'to be seen', changes: [change] }
  expect(await rest('POST', '/v1/requests', asked, { as: 'carol@example.com' })).toMatchObject({ status: 202 })
  await page.until(`${shown('.result-window')}.includes('carol@example.com')`)
})

test('the token is in the tab alone: in no address, and gone with it', async () => {
  expect(await page.evaluate('sessionStorage.getItem("purser:token")')).toBe(token)
  const kept = await page.evaluate('JSON.stringify([localStorage, document.cookie, location.href, history.state])')
  expect(kept).toContain('graph-db')
  expect(kept).not.toContain(token)
  expect(page.requests.filter((address) => address.includes(token))).toEqual([])
})

test('nothing was asked of any other host, and the browser had nothing to complain about but the missing token', async () => {
  // The workers of the editor come when there is time for them.
  for (const worker of ['editor', 'json', 'graphql'])
    await expect.poll(() => page.requests.join(' '), { timeout: 20_000 }).toContain(`${url}/graphiql/${worker}.worker-`)
  const socket = `${url.replace('http', 'ws')}/graphql`
  expect(page.requests).toContain(socket)
  const own = (address: string) => address.startsWith(`${url}/`) || address === socket || address.startsWith('data:')
  expect(page.requests.filter((address) => !own(address))).toEqual([])
  const [missing, ...others] = page.complaints
  expect(missing).toContain('401')
  expect(others).toEqual([])
})
