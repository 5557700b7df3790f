import { Type } from 'typebox'
import { nullable } from './component.ts'

export const permissionsSchema = Type.Object(
  {
    team: nullable(Type.String()),
    permissions: Type.Array(
      Type.Object({
        operation: Type.String({ description: 'Its name, here as in GraphQL.' }),
        verb: Type.String({ description: 'The word for `purser can-i`.' }),
        does: Type.String({ description: 'What it does, in words.' }),
        allowed: Type.Boolean(),
        needs: nullable(Type.String({ description: 'The scope or the role that would do; null where nothing is missing.' })),
      }),
    ),
  },
  {
    $id: 'Permissions',
    description: 'What the caller may do, in one team or to the platform.',
    examples: [
      {
        team: 'payments',
        permissions: [
          { operation: 'planRequest', verb: 'plan', does: 'plan a request', allowed: true, needs: null },
          {
            operation: 'approveRequest',
            verb: 'approve',
            does: 'approve a request',
            allowed: false,
            needs: 'role approver in team payments',
          },
        ],
      },
    ],
  },
)
