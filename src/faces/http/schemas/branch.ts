import { Type } from 'typebox'
import { branchAcceptance } from '../../../operations/branch-acceptance.ts'
import { nullable, oneOf, ref, timestamp } from './component.ts'
import { pageInfo } from './page.ts'

const branchExample = {
  repository: 'embedded',
  branch: 'main',
  head: '9daeafb9864cf43055ae93beb0afd6c7d144bfa4',
  state: 'ok',
  since: '2026-11-24T09:30:00.000Z',
  detail: null,
}
const commit = Type.String({ pattern: '^[0-9a-f]{40}$', description: 'A commit, in full.' })

export const branchSchema = Type.Object(
  {
    repository: Type.String(),
    branch: Type.String(),
    head: nullable(commit),
    state: oneOf(['ok', 'refuses', 'unreachable', 'history-rewritten']),
    since: timestamp,
    detail: nullable(Type.String({ description: 'Why it is not ok.' })),
  },
  {
    $id: 'Branch',
    description: 'A GitOps branch, its last commit as Purser knows it, and whether it can take commits.',
    examples: [branchExample],
  },
)

export const branchList = Type.Array(ref(branchSchema), {
  $id: 'Branches',
  description: 'Every GitOps branch.',
  examples: [[branchExample]],
})

const verificationExample = {
  commits: 2,
  verified: 1,
  missing: 0,
  problems: [{ repository: 'embedded', branch: 'main', commit: branchExample.head, path: null, reason: 'It names no request.' }],
  pageInfo: { endCursor: null, hasNextPage: false },
}

export const verification = Type.Object(
  {
    commits: Type.Integer({ description: 'On this page.' }),
    verified: Type.Integer({ description: 'Of them are what their approved plan says.' }),
    missing: Type.Integer({ description: 'Committed requests whose commit is not on the branch; told after its commits.' }),
    problems: Type.Array(
      Type.Object({
        repository: Type.String(),
        branch: Type.String(),
        commit,
        path: nullable(Type.String({ description: 'The file that it is about; null: the commit as such.' })),
        reason: Type.String(),
      }),
    ),
    pageInfo: ref(pageInfo),
  },
  {
    $id: 'Verification',
    description:
      'Commits of the GitOps branches, newest first and branch after branch, what does not back them, and those that are missing.',
    examples: [verificationExample],
  },
)

export const branchComponents = [branchSchema, branchList, branchAcceptance, verification]
