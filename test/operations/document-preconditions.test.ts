import { expect, test } from 'vitest'
import { putDocument } from '../../src/operations/apply-documents.ts'
import { listDocuments, listDocumentVersions, readDocument } from '../../src/operations/read-documents.ts'
import { keepCurrency } from '../../src/store/currency.ts'
import { ask, boxes, create, openHouse } from '../support/house.ts'

const house = await openHouse()
await house.apply(boxes)
const ann = await house.person('ann@example.com')
const zed = await house.person('zed@example.com')
const { context, administrator } = house

test('a stranger reads of a team its name, its title and how to reach it; a member reads all of it', async () => {
  const team = {
    apiVersion: 'purser.dev/v1',
    kind: 'Team',
    metadata: { name: 'teal', title: 'Teal', description: 'between us' },
    spec: {
      members: [{ user: 'ann@example.com', role: 'viewer' }],
      contact: { email: 'teal@example.com', webhook: { env: 'PURSER_SECRET_TEAL' } },
      costCenter: '4711',
    },
  }
  expect(await putDocument(context, administrator, 'Team', 'teal', team, { dryRun: false, ifMatch: null })).toMatchObject({ ok: true })

  const card = { spec: { contact: { email: 'teal@example.com' } }, metadata: { name: 'teal', title: 'Teal' } }
  for (const who of [zed, ann]) {
    const one = await readDocument(context, who, 'Team', 'teal')
    const all = await listDocuments(context, who, 'Team', {}, { first: 200, after: null })
    const versions = await listDocumentVersions(context, who, 'Team', 'teal', { first: 10, after: null })
    const seen = [
      one.ok ? one.value.document : null,
      all.ok ? all.value.items.find((t) => (t['metadata'] as { name: string }).name === 'teal') : null,
      versions.ok ? versions.value.items[0] : null,
    ]
    for (const document of seen) {
      expect(document).toMatchObject(card)
      expect(JSON.stringify(document).includes('ann@example.com')).toBe(who === ann)
      expect(JSON.stringify(document).includes('4711')).toBe(who === ann)
      expect(JSON.stringify(document).includes('PURSER_SECRET_TEAL')).toBe(who === ann)
      expect(JSON.stringify(document).includes('between us')).toBe(who === ann)
    }
  }
})

test('If-Match: * asks for a document that is there', async () => {
  const fresh = (name: string) => ({ apiVersion: 'purser.dev/v1', kind: 'Team', metadata: { name }, spec: {} })

  expect(await putDocument(context, administrator, 'Team', 'absent', fresh('absent'), { dryRun: false, ifMatch: '*' })).toMatchObject({
    ok: false,
    problem: { code: 'precondition-failed' },
  })
  expect(await putDocument(context, administrator, 'Team', 'grey', fresh('grey'), { dryRun: true, ifMatch: '*' })).toMatchObject({
    ok: true,
  })
})

test('an environment stays where its files are as long as something lives there', async () => {
  const lab = (path: string, namespace: string) => ({
    apiVersion: 'purser.dev/v1',
    kind: 'Environment',
    metadata: { name: 'lab' },
    spec: { gitops: { path }, namespace, values: { region: 'eu-north-1' } },
  })
  const put = (path: string, namespace: string) =>
    putDocument(context, administrator, 'Environment', 'lab', lab(path, namespace), { dryRun: true, ifMatch: null })
  expect(await put('other/${team.name}', '${team.name}-lab')).toMatchObject({ ok: true })

  await ask(house, ann, [create('one', 1)])

  expect(await put('other/${team.name}', '${team.name}-lab')).toMatchObject({ ok: false, problem: { code: 'in-use', usedBy: ['red/one'] } })
  expect(await put('lab/${team.name}/x', '${team.name}-moved')).toMatchObject({ ok: false, problem: { code: 'in-use' } })
  expect(await put('lab/${team.name}/x', '${team.name}-lab')).toMatchObject({ ok: true })
})

test('amounts keep the currency of the first start', async () => {
  expect(await keepCurrency(context.database.pool, 'CHF')).toBe('CHF')
  expect(await keepCurrency(context.database.pool, 'EUR')).toBe('CHF')
})
