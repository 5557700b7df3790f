import { describe, expect, test } from 'vitest'
import type { Kind } from '../../src/core/document/document.ts'
import { parseYamlDocuments } from '../../src/core/yaml.ts'
import { applyDocuments } from '../../src/operations/apply-documents.ts'
import type { Caller } from '../../src/operations/caller.ts'
import { listDocuments, readDocument } from '../../src/operations/read-documents.ts'
import { listEvents } from '../../src/operations/read-events.ts'
import { deleteDocument } from '../../src/operations/retire-document.ts'
import { boxes, budget, openHouse } from '../support/house.ts'

const house = await openHouse()
const { context, administrator } = house
await house.apply(`${boxes}\n---\n${budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '5000.00' }")}`)
const ove = await house.person('ove@example.com')
const ann = await house.person('ann@example.com')
const zed = await house.person('zed@example.com')

const apply = (caller: Caller, yaml: string) => {
  const parsed = parseYamlDocuments(yaml)
  return applyDocuments(context, caller, { documents: parsed.ok ? parsed.value : [], dryRun: false })
}
const remove = (caller: Caller, kind: Kind, name: string) => deleteDocument(context, caller, kind, name, { dryRun: false, ifMatch: null })
const team = (name: string, metadata: string, spec: string) =>
  `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: ${name}${metadata} }, spec: { ${spec} } }`
const service = (name: string, owner: string) =>
  `{ apiVersion: purser.dev/v1, kind: Service, metadata: { name: ${name} }, spec: { owner: ${owner} } }`
const members =
  'members: [{ user: ann@example.com, role: developer }, { user: ove@example.com, role: owner }, { user: new@example.com, role: viewer }]'
const forbidden = (needs: string) => ({ ok: false, problem: { code: 'forbidden', needs } })

describe('an owner of a team', () => {
  test('puts its members and its contact', async () => {
    expect(await apply(ove, team('red', '', `${members}, contact: { slack: '#red' }`))).toMatchObject({
      ok: true,
      value: { results: [{ outcome: 'changed' }] },
    })
  })

  test('but nothing of it that policies and prices judge by, and no other team', async () => {
    for (const changed of [
      team('red', ', title: Royal', members),
      team('red', ', tags: [trusted]', members),
      team('red', '', `${members}, costCenter: "1"`),
      team('green', '', members),
    ]) {
      expect(await apply(ove, changed)).toMatchObject(forbidden('platform role administrator'))
    }
    expect(await apply(ove, team('grey', '', members))).toMatchObject(forbidden('role owner in team grey'))
  })

  test('puts and deletes its services, and takes nobody else’s', async () => {
    expect(await apply(ove, service('mine', 'red'))).toMatchObject({ ok: true })
    expect(await apply(zed, service('theirs', 'grey'))).toMatchObject({ ok: true })

    expect(await apply(ove, service('other', 'grey'))).toMatchObject(forbidden('role owner in team grey'))
    expect(await apply(ove, service('theirs', 'red'))).toMatchObject(forbidden('role owner in team grey'))
    expect(await apply(ove, service('mine', 'grey'))).toMatchObject(forbidden('role owner in team grey'))
    expect(await remove(ove, 'Service', 'theirs')).toMatchObject(forbidden('role owner in team grey'))
    expect(await remove(ove, 'Service', 'mine')).toEqual({ ok: true, value: null })
  })

  test('is refused a whole apply for one document that is not theirs', async () => {
    expect(
      await apply(
        ove,
        [service('mine', 'red'), budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '9999.00' }")].join('\n---\n'),
      ),
    ).toMatchObject(forbidden('platform role administrator'))
    expect(await readDocument(context, ove, 'Service', 'mine')).toMatchObject({ ok: false })
  })
})

describe('everybody else', () => {
  test('writes no document, and the log says who tried', async () => {
    expect(await apply(ann, service('tried', 'red'))).toMatchObject(forbidden('role owner in team red'))
    expect(await apply({ ...ove, scopes: new Set(['read'] as const) }, service('tried', 'red'))).toMatchObject(
      forbidden('scope platform:write'),
    )
    for (const kind of ['Environment', 'Blueprint', 'Policy', 'Budget', 'Team'] as const) {
      // Whether there is one of that name is not told.
      for (const name of ['red-lab', 'lab', 'nothing'])
        expect(await remove(ove, kind, name)).toMatchObject(forbidden('platform role administrator'))
    }

    const events = await listEvents(context, administrator, { type: 'dev.purser.access.refused.v1' }, { first: 200, after: null })
    expect(
      events.ok
        ? events.value.items.filter((event) => event['subject'] === 'tried').map((event) => (event['actor'] as { subject: string }).subject)
        : [],
    ).toEqual(['ann@example.com', 'ove@example.com'])
  })

  test('reads teams, services, blueprints, environments and policies, and of budgets those of their teams', async () => {
    const names = async (caller: Caller, kind: Kind) => {
      const page = await listDocuments(context, caller, kind, {}, { first: 50, after: null })
      return page.ok ? page.value.items.map((item) => (item['metadata'] as { name: string }).name) : []
    }
    const nobody = await house.person('nobody@example.com')

    expect(await names(nobody, 'Team')).toEqual(['blue', 'grey', 'red'])
    expect(await names(nobody, 'Environment')).toEqual(['lab', 'vault'])
    expect(await names(nobody, 'Blueprint')).toEqual(['box'])
    expect(await names(nobody, 'Policy')).toEqual(['boxes'])
    expect(await names(nobody, 'Service')).toEqual(['theirs'])
    expect([await names(nobody, 'Budget'), await names(zed, 'Budget'), await names(ann, 'Budget')]).toEqual([[], [], ['red-lab']])
  })
})
