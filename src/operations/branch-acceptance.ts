import { Type } from 'typebox'

const commit = Type.String({ pattern: '^[0-9a-f]{40}$', description: 'A commit, in full.' })

/** What `acceptBranch` takes, whatever the face. */
export const branchAcceptance = Type.Object(
  { repository: Type.String({ minLength: 1, maxLength: 1_000 }), branch: Type.String({ minLength: 1, maxLength: 200 }), head: commit },
  {
    additionalProperties: false,
    $id: 'BranchAcceptance',
    description: 'What is on the branch now is the truth to go on from.',
    examples: [{ repository: 'embedded', branch: 'main', head: '4b825dc642cb6eb9a060e54bf8d69288fbee4904' }],
  },
)
