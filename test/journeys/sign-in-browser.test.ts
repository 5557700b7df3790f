import { beforeAll, expect, test } from 'vitest'
import { openBrowser, type Page } from '../support/browser.ts'
import { openSignInYard } from '../support/sign-in.ts'

/** As in `sign-in.test.ts`, with a real Chromium in place of forms that are sent by hand. */

const { start, purser } = await openSignInYard()
let page: Page
beforeAll(async () => {
  page = await openBrowser()
})

const link = /^(http\S+\/auth\?\S+)$/m
const heading = (text: string) => `document.querySelector('h1')?.textContent === '${text}'`

test('whoever signs in in the browser that the command opens, comes back to a page that may be closed', async () => {
  const running = start('login --browser')
  await page.open(await running.said(link))
  await page.type('input[name=login]', 'ann')
  await page.click('#sign-in')
  await page.until(heading('You are signed in'))
  const signedIn = await running.ended
  const planned = await purser('plan create box b1 --team red --env lab units=3')

  expect(await page.evaluate('document.body.innerText')).toContain('You may close this page, and go back to the terminal.')
  expect(signedIn).toMatchObject({ exit: 0, stdout: expect.stringContaining('Signed in as ann@example.com') })
  expect((await purser('whoami')).stdout).toContain('developer of red')
  expect(planned).toMatchObject({ exit: 0, stdout: expect.stringContaining('create b1') })
  // But for the page's picture, which browsers ask for by themselves, and which nobody answers.
  expect(page.complaints.filter((complaint) => !complaint.includes('favicon'))).toEqual([])
})

test('whoever says no there is told so, and so is the command', async () => {
  await purser('logout')
  await page.forget()
  const running = start('login --browser')
  await page.open(await running.said(link))
  await page.click('#deny')
  await page.until(heading('You are not signed in'))

  expect(await running.ended).toMatchObject({ exit: 1, stderr: expect.stringContaining('The sign-in was refused at') })
})

test('whoever signs in with a code does so at an address that has it', async () => {
  await page.forget()
  const running = start('login --device')
  await page.open(await running.said(/or open\s+(\S+)/))
  await page.click('#confirm')
  await page.type('input[name=login]', 'amy')
  await page.click('#sign-in')
  await page.until(`document.querySelector('#done') !== null`)

  expect(await running.ended).toMatchObject({ exit: 0, stdout: expect.stringContaining('Signed in as amy@example.com') })
  expect((await purser('whoami')).stdout).toContain('amy@example.com')
})
