import { Type } from 'typebox'
import { scopes } from '../../../operations/caller.ts'
import { nullable, oneOf } from './component.ts'

export const meSchema = Type.Object(
  {
    subject: Type.String(),
    kind: oneOf(['person', 'service-account']),
    email: nullable(Type.String()),
    via: nullable(Type.String({ description: 'The bot that asks for the person.' })),
    scopes: Type.Array(oneOf(scopes)),
    platformRoles: Type.Array(oneOf(['administrator', 'auditor'])),
    teams: Type.Array(Type.Object({ name: Type.String(), role: oneOf(['viewer', 'developer', 'approver', 'owner']) }), {
      description: 'With the highest role in each.',
    }),
  },
  {
    $id: 'Me',
    description: 'Who the caller is, and what they may do where.',
    examples: [
      {
        subject: 'alice@example.com',
        kind: 'person',
        email: 'alice@example.com',
        via: 'admin',
        scopes: ['read', 'requests:write'],
        platformRoles: [],
        teams: [{ name: 'payments', role: 'developer' }],
      },
    ],
  },
)
