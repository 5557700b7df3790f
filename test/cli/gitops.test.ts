import { expect, it } from 'vitest'
import { fakeApiPerTest } from './run-cli.ts'

const api = fakeApiPerTest()
const problem = { repository: 'embedded', branch: 'main', commit: 'a'.repeat(40) }

it('verify walks to the end, counts, names what is not backed, and exits 1 for it', async () => {
  api.answer = (seen) => {
    const second = seen.query.get('after') === 'two'
    const problems = [
      { ...problem, path: null, reason: 'It was not made for req_1, which is queued.' },
      { ...problem, path: 'tenants/x.yaml', reason: 'It is not in the plan of req_1.' },
    ]
    return {
      body: second
        ? { commits: 1, verified: 0, missing: 0, problems, pageInfo: { endCursor: null, hasNextPage: false } }
        : { commits: 200, verified: 200, missing: 0, problems: [], pageInfo: { endCursor: 'two', hasNextPage: true } },
    }
  }

  const ran = await api.purser('gitops verify')
  const json = await api.purser('gitops verify -o json')

  expect(ran).toMatchObject({ exit: 1, stderr: '1 of 201 commits are not backed by an approved request.\n' })
  expect(ran.stdout).toBe(`${'a'.repeat(40)} on main of embedded
  It was not made for req_1, which is queued.
  tenants/x.yaml: It is not in the plan of req_1.
200 of 201 commits are the bytes of an approved plan.
`)
  expect(JSON.parse(json.stdout)).toMatchObject({ commits: 201, verified: 200, problems: [{ path: null }, { path: 'tenants/x.yaml' }] })
  expect(api.seen.map((seen) => seen.query.get('after'))).toEqual([null, 'two', null, 'two'])
})

it('verify is content when every commit is backed', async () => {
  api.answer = () => ({ body: { commits: 3, verified: 3, missing: 0, problems: [], pageInfo: { endCursor: null, hasNextPage: false } } })

  expect(await api.purser('gitops verify')).toMatchObject({
    exit: 0,
    stderr: '',
    stdout: '3 of 3 commits are the bytes of an approved plan.\n',
  })
})

it('verify is not when a commit of an approved request is gone', async () => {
  const gone = { ...problem, path: null, reason: 'It is the commit of req_1, and is not in the history of the branch.' }
  api.answer = () => ({
    body: { commits: 3, verified: 3, missing: 1, problems: [gone], pageInfo: { endCursor: null, hasNextPage: false } },
  })

  expect(await api.purser('gitops verify')).toMatchObject({
    exit: 1,
    stderr: '1 commit of approved requests is missing.\n',
    stdout: `${'a'.repeat(40)} on main of embedded
  It is the commit of req_1, and is not in the history of the branch.
3 of 3 commits are the bytes of an approved plan.
`,
  })
})
