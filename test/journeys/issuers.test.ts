import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { withDatabase } from '../support/database.ts'
import { startIssuer } from '../support/issuer.ts'
import { runPurser } from '../support/server.ts'

const data = await mkdtemp(join(tmpdir(), 'purser-issuers-'))
const [database, issuer] = [await withDatabase(), await startIssuer()]
afterAll(() => Promise.all([rm(data, { recursive: true }), issuer.stop()]))

test('where people sign in, on a database of its own, a server starts although an issuer is away, and makes no administrator’s token', async () => {
  const away = 'http://127.0.0.1:9'
  const run = runPurser({
    data,
    args: ['serve'],
    env: {
      DATABASE_URL: database.appUrl,
      DATABASE_MIGRATE_URL: database.ownerUrl,
      OIDC_ISSUER: `${issuer.url},${away}`,
      PURSER_ADMINISTRATORS: 'group:platform',
      PURSER_KEY: 'a key of the test that is long enough',
    },
  })
  const started = await Promise.race([run.printed(/^purser ready on (\S+)$/m), run.ended])
  if (!Array.isArray(started)) throw new Error(run.stderr())
  const ask = (token: string) => fetch(`${started[1]}/v1/me`, { headers: { authorization: `Bearer ${token}` } })

  const pat = await ask(await issuer.token('pat', { groups: ['platform'] }))
  const nobody = await ask(await issuer.token('pat', { iss: away }))

  expect([pat.status, await pat.json()]).toMatchObject([200, { subject: 'pat@example.com', platformRoles: ['administrator'] }])
  expect([nobody.status, await nobody.json()]).toMatchObject([503, { code: 'unavailable' }])
  await expect(access(join(data, 'admin-token'))).rejects.toThrow('ENOENT')
  await expect(access(join(data, 'key'))).rejects.toThrow('ENOENT')
  expect(run.stderr()).toContain('the keys of an issuer cannot be fetched')
  expect((await run.stop()).code).toBe(0)
})
