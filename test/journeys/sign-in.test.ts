import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fillForms } from '../support/forms.ts'
import { openSignInYard, type World } from '../support/sign-in.ts'

/**
 * A person signs in with the command at a real issuer, by forms as a browser sends them; `sign-in-browser.test.ts` does the
 * same in a browser. Tests of one file follow each other: who is signed in, stays so.
 */

const { url, issuer, folder, file, kept, start, purser } = await openSignInYard()

const HOUR = { laterMs: 3_600_000 }
const code = /or open\s+(\S+)/
const link = /^(http\S+\/auth\?\S+)$/m

/** Signs in by device; what the command said at the end. */
async function signIn(login: string | null, line = 'login --device', world: World = {}) {
  const running = start(line, world)
  await fillForms(await running.said(code), login)
  return await running.ended
}

const plan = 'plan create box b1 --team red --env lab units=3'
const renewals = () => issuer.asked.filter((call) => call === 'POST /token').length

test('a server tells where its people sign in, and a 401 where that stands', async () => {
  const metadata = await fetch(`${url}/.well-known/oauth-protected-resource`)
  const refused = await fetch(`${url}/v1/me`)
  const seenByProxy = await fetch(`${url}/.well-known/oauth-protected-resource`, { headers: { 'x-forwarded-proto': 'https' } })

  expect(await metadata.json()).toEqual({
    resource: url,
    authorization_servers: [issuer.url],
    scopes_supported: ['openid', 'email', 'profile', 'groups', 'offline_access'],
    bearer_methods_supported: ['header'],
    resource_name: 'Purser',
    purser_client_id: 'purser-cli',
    purser_audience: 'purser',
  })
  expect(metadata.headers.get('cache-control')).toBe('public, max-age=300')
  expect(refused.status).toBe(401)
  expect(refused.headers.get('www-authenticate')).toContain(`resource_metadata="${url}/.well-known/oauth-protected-resource"`)
  expect(await seenByProxy.json()).toMatchObject({ resource: url.replace('http:', 'https:') })
})

test('who says no, gives up or waits too long is not signed in, and is told so', async () => {
  const denied = await signIn(null)
  const deniedPage = start('login --browser')
  const page = await fillForms(await deniedPage.said(link), null)
  const given = start('login --browser')
  const back = new URL((await given.said(link)).replace(/^.*redirect_uri=([^&]+).*$/, (_, uri: string) => decodeURIComponent(uri)))
  const forged = await fetch(`${back.href}?state=guessed&code=stolen`)
  const renamed = await fetch(back, { headers: { host: 'evil.example' } }).catch(() => null)
  given.interrupt()
  const late = await purser('login --device --timeout 30ms')

  expect(denied).toMatchObject({ exit: 1, stdout: '', stderr: expect.stringContaining(`The sign-in was refused at ${issuer.url}.`) })
  expect(page.text).toContain('You are not signed in')
  expect(await deniedPage.ended).toMatchObject({ exit: 1, stderr: expect.stringContaining('refused at') })
  expect([forged.status, renamed?.status ?? 404]).toEqual([404, 404])
  expect(await given.ended).toMatchObject({ exit: 1, stderr: expect.stringContaining('Given up: nobody is signed in') })
  await expect(fetch(back)).rejects.toThrow('fetch failed')
  expect(late).toMatchObject({ exit: 6, stderr: expect.stringContaining('in time') })
  expect(() => statSync(file)).toThrow('ENOENT')
})

test('who signs in by a code is known to the server from then on, until when can be seen, and what is kept is theirs alone', async () => {
  const signedIn = await signIn('ann')
  const who = await purser('whoami -o json')
  const planned = await purser(plan)

  expect(signedIn).toMatchObject({ exit: 0, stdout: expect.stringContaining('Signed in as ann@example.com') })
  expect(JSON.parse(who.stdout)).toMatchObject({
    subject: 'ann@example.com',
    server: url,
    signIn: { from: 'sign-in', issuer: issuer.url, renewed: true },
    teams: expect.arrayContaining([{ name: 'red', role: 'developer' }]),
  })
  expect((await purser('whoami')).stdout).toMatch(/By {7}purser login at http:\S+, until 20\S+Z, then renewed by itself/)
  expect(planned).toMatchObject({ exit: 0, stdout: expect.stringContaining('create b1') })
  expect([statSync(file).mode & 0o777, statSync(join(folder, 'purser')).mode & 0o777]).toEqual([0o600, 0o700])
  const { accessToken, refreshToken } = kept() ?? {}
  for (const said of [signedIn, who, planned])
    for (const secret of [accessToken, refreshToken]) expect(said.stdout + said.stderr).not.toContain(secret)
})

test('who signs in by a browser is known as well, and no shell reads the address on its way there', async () => {
  const [program, opened] = [join(folder, 'browser'), join(folder, 'opened')]
  writeFileSync(program, `#!/bin/sh\nprintf '%s' "$2" > '${opened}.part' && mv '${opened}.part' '${opened}'\n`, { mode: 0o700 })
  const running = start('login --browser', { env: { BROWSER: `${program} --new %s:other` } })
  const address = await running.said(link)
  await expect.poll(() => readFileSync(opened, 'utf8')).toBe(address)
  const page = await fillForms(address, 'amy')
  const signedIn = await running.ended

  expect(new URL(address).searchParams.get('code_challenge_method')).toBe('S256')
  expect(page.text).toContain('You may close this page')
  expect(signedIn).toMatchObject({ exit: 0, stdout: expect.stringContaining('Signed in as amy@example.com') })
  await expect(fetch(page.url)).rejects.toThrow('fetch failed')
})

test('a sign-in is for the server that it was got for, whatever else that server is called', async () => {
  const elsewhere = await purser('whoami', { env: { PURSER_URL: url.replace('127.0.0.1', 'localhost') } })

  expect(elsewhere).toMatchObject({ exit: 1, stderr: expect.stringContaining('No token was sent. Sign in: purser login') })
})

test('commands at once renew a sign-in once, since an issuer takes a refresh token twice for theft', async () => {
  const before = kept()
  const asked = renewals()
  const ran = await Promise.all([1, 2, 3, 4].map(() => purser('whoami', HOUR)))

  expect(ran.map(({ exit }) => exit)).toEqual([0, 0, 0, 0])
  expect(renewals() - asked).toBe(1)
  expect(kept()?.refreshToken).not.toBe(before?.refreshToken)
  expect((await purser('whoami', { laterMs: 2 * HOUR.laterMs })).exit).toBe(0)
  expect(renewals() - asked).toBe(2)
})

test('a process that died while it renewed holds up nobody', async () => {
  // Nobody has this number: Linux gives none above 4,194,304.
  writeFileSync(join(folder, 'purser', 'lock'), `${hostname()} 999999999 x`)

  expect((await purser('whoami', { laterMs: 3 * HOUR.laterMs })).exit).toBe(0)
})

test('without its issuer a sign-in is good for as long as it was, and then says who is away', async () => {
  const { refreshAt, expiresAt } = kept() ?? { refreshAt: '', expiresAt: '' }
  const between = (Date.parse(refreshAt) + Date.parse(expiresAt)) / 2 - Date.now()
  await issuer.stop()
  const still = await purser('whoami', { laterMs: between })
  const over = await purser('whoami', { laterMs: between + HOUR.laterMs })
  await issuer.start()

  expect(still.exit).toBe(0)
  expect(over).toMatchObject({ exit: 1, stderr: expect.stringContaining(`Nobody answers at ${issuer.url} (ECONNREFUSED)`) })
  expect((await purser('whoami', { laterMs: between + HOUR.laterMs })).exit).toBe(0)
})

test('a sign-in that the issuer ended is over, says so again and again, and nobody else acts instead', async () => {
  const admin = join(folder, 'data')
  mkdirSync(admin)
  writeFileSync(join(admin, 'admin-token'), 'psr_administrator')
  await fetch(`${issuer.url}/token/revocation`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'purser-cli', token: kept()?.refreshToken ?? '' }),
  })
  const later = { laterMs: 30 * HOUR.laterMs, env: { PURSER_DATA: admin } }
  const [first, again] = [await purser('whoami', later), await purser('whoami', later)]

  expect(first).toMatchObject({ exit: 1, stdout: '', stderr: expect.stringContaining('is over at') })
  expect(first.stderr).toContain('Sign in again: purser login')
  expect(again.stderr).toBe(first.stderr)
})

test('signing out forgets what was kept, here and at the issuer, and can be done twice', async () => {
  await signIn('ann')
  const { refreshToken } = kept() ?? {}
  const out = await purser('logout')
  const again = await purser('logout')
  const used = await fetch(`${issuer.url}/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'purser-cli', grant_type: 'refresh_token', refresh_token: refreshToken ?? '' }),
  })

  expect(out).toEqual({ exit: 0, stdout: '', stderr: `Signed out of ${url}.\n` })
  expect(again).toEqual({ exit: 0, stdout: '', stderr: `You are not signed in to ${url}.\n` })
  expect(await used.json()).toMatchObject({ error: 'invalid_grant' })
  expect(kept()).toBeUndefined()
  expect((await purser('whoami')).exit).toBe(1)
})

test('signing out works without the issuer too, and says what that leaves', async () => {
  await signIn('ann')
  await issuer.stop()
  const out = await purser('logout')
  await issuer.start()

  expect(out).toMatchObject({ exit: 0, stderr: expect.stringContaining('Its issuer was not told') })
  expect(kept()).toBeUndefined()
})

test('a token in the environment goes before a sign-in, and who signs in is told', async () => {
  const signedIn = await signIn('ann', 'login --device', { env: { PURSER_TOKEN: 'psr_other' } })
  const given = await purser('whoami', { env: { PURSER_TOKEN: 'psr_other' } })

  expect(signedIn).toMatchObject({ exit: 0, stderr: expect.stringContaining('PURSER_TOKEN is set') })
  expect(given).toMatchObject({ exit: 1, stderr: expect.stringContaining('Check the token in PURSER_TOKEN') })
  expect((await purser('whoami')).exit).toBe(0)
})
