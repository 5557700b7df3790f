import { expect, it } from 'vitest'
import { fakeApiPerTest } from './run-cli.ts'

const api = fakeApiPerTest()
const entry = (operation: string, verb: string, needs: string | null) => ({
  operation,
  verb,
  does: `${verb} a request`,
  allowed: needs === null,
  needs,
})
const permissions = [entry('approveRequest', 'approve', 'role approver in team dba'), entry('submitRequest', 'submit', null)]

it('a no says what would do, and ends with 1; a yes ends with 0', async () => {
  api.answer = () => ({ body: { team: 'dba', permissions } })

  expect(await api.purser('can-i approve --team dba')).toMatchObject({
    exit: 1,
    stdout: 'no: to approve a request takes the role approver in team dba\n',
  })
  expect(await api.purser('can-i submitRequest --team dba')).toMatchObject({ exit: 0, stdout: 'yes\n' })
  expect(api.seen[0]).toMatchObject({ path: '/v1/me/permissions', query: new URLSearchParams({ team: 'dba' }) })
})

it('a program reads the same as JSON, by the same exit code', async () => {
  api.answer = () => ({ body: { team: 'dba', permissions } })

  const ran = await api.purser('can-i approve --team dba -o json')

  expect({ exit: ran.exit, answer: JSON.parse(ran.stdout) as unknown }).toEqual({ exit: 1, answer: permissions[0] })
})

it('a list has every verb and what it needs', async () => {
  api.answer = () => ({ body: { team: 'dba', permissions } })

  const ran = await api.purser('can-i --list --team dba')

  expect(ran.exit).toBe(0)
  expect(ran.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['VERB', 'MAY', 'NEEDS'],
    ['approve', 'no', 'role approver in team dba'],
    ['submit', 'yes'],
    [''],
  ])
})

it('what takes a team asks for one, and what there is not is told', async () => {
  api.answer = () => ({ body: { team: null, permissions: [] } })

  expect(await api.purser('can-i approve')).toMatchObject({ exit: 2, stderr: 'In which team? Add --team.\n' })
  expect((await api.purser('can-i aprove')).stderr).toContain('There is no aprove')
  expect((await api.purser('can-i')).exit).toBe(2)
  expect((await api.purser('can-i approve --list')).exit).toBe(2)
})

it('verbs are completed', async () => {
  const ran = await api.purser(['__complete', 'can-i', 'put-b'])

  expect(ran.stdout.split('\n')).toEqual(['put-blueprint', 'put-budget', ''])
})
