import { describe, expect, test } from 'vitest'
import { isObject } from '../../src/core/json.ts'
import { operations } from '../../src/core/permissions.ts'
import type { Caller } from '../../src/operations/caller.ts'
import { planRequest } from '../../src/operations/plan-request.ts'
import { readPermissions } from '../../src/operations/read-permissions.ts'
import { boxes, create, openHouse } from '../support/house.ts'

const house = await openHouse()
await house.apply(boxes)
const { context, administrator } = house
const [ann, vic, zed] = await Promise.all(['ann', 'vic', 'zed'].map((name) => house.person(`${name}@example.com`)))
if (ann === undefined || vic === undefined || zed === undefined) throw new Error('three were asked for')

/** What is missing for each operation, null where nothing is. */
async function needs(caller: Caller, team: string | null): Promise<ReadonlyMap<string, unknown>> {
  const answer = await readPermissions(context, caller, team)
  const list = answer.ok ? answer.value['permissions'] : null
  if (!Array.isArray(list)) throw new Error(JSON.stringify(answer))
  return new Map(list.filter(isObject).map((row) => [String(row['operation']), row['needs']]))
}

describe('whoever asks what they may', () => {
  test('is told of every operation, and which role would do', async () => {
    const [asDeveloper, asViewer] = [await needs(ann, 'red'), await needs(vic, 'red')]

    expect([...asDeveloper.keys()]).toEqual(operations)
    expect([asDeveloper.get('submitRequest'), asDeveloper.get('cancelOthersRequest')]).toEqual([null, 'role owner in team red'])
    expect([asViewer.get('readRequest'), asViewer.get('submitRequest')]).toEqual([null, 'role developer in team red'])
    expect([asViewer.get('putBudget'), asViewer.get('verifyGitops')]).toEqual([
      'platform role administrator',
      'platform role administrator or auditor',
    ])
  })

  test('is told of the scope first, whatever the role', async () => {
    const reading = await needs({ ...ann, scopes: new Set(['read'] as const) }, 'red')

    expect([reading.get('readRequest'), reading.get('submitRequest'), reading.get('putBudget')]).toEqual([
      null,
      'scope requests:write',
      'scope platform:write',
    ])
  })

  test('is told what a refusal says', async () => {
    const refused = await planRequest(context, vic, { team: 'red', environment: 'lab', changes: [create('box', 1)] })

    expect(refused).toMatchObject({ ok: false, problem: { code: 'forbidden', needs: (await needs(vic, 'red')).get('planRequest') } })
  })

  test('in a team without a role there, is told like a stranger of any team', async () => {
    const [red, blue] = [await needs(zed, 'red'), await needs(zed, 'blue')]

    expect([...red].map(([name, need]) => [name, String(need).replace('red', 'T')])).toEqual(
      [...blue].map(([name, need]) => [name, String(need).replace('blue', 'T')]),
    )
    expect(red.get('readRequest')).toBe('role viewer in team red')
  })

  test('in a team that there is not, is told so, since teams are no secret', async () => {
    expect(await readPermissions(context, zed, 'nowhere')).toMatchObject({
      ok: false,
      problem: { code: 'invalid', errors: [{ detail: 'there is no team nowhere' }] },
    })
  })

  test('without a team, is told what is about none', async () => {
    const mine = await needs(administrator, null)

    expect([...new Set(mine.values())]).toEqual([null])
    expect(mine.has('putBudget')).toBe(true)
    expect(mine.has('submitRequest')).toBe(false)
  })

  test('an administrator and an auditor may neither ask nor vote as such', async () => {
    const auditor: Caller = { ...ann, email: 'aud@example.com', administrator: false, auditor: true }
    for (const caller of [administrator, auditor]) {
      const may = await needs(caller, 'red')

      expect([may.get('readRequest'), may.get('listTokens'), may.get('verifyGitops')]).toEqual([null, null, null])
      expect([may.get('submitRequest'), may.get('approveRequest')]).toEqual(['role developer in team red', 'role approver in team red'])
    }
    expect([...(await needs(auditor, null))].filter(([name, need]) => need === null && /^(put|delete|accept)/.test(name))).toEqual([])
  })
})
