import { Type } from 'typebox'
import { scopes } from '../../../operations/caller.ts'
import { nullable, oneOf, timestamp } from './component.ts'

export const meSchema = Type.Object(
  {
    subject: Type.String(),
    kind: oneOf(['person', 'service-account']),
    email: nullable(Type.String()),
    via: nullable(Type.String({ description: 'The bot that asks for the person.' })),
    scopes: Type.Array(oneOf(scopes)),
    platformRoles: Type.Array(oneOf(['administrator', 'auditor'])),
    credential: Type.Object(
      {
        kind: oneOf(['oidc', 'api-token', 'purser-token']),
        id: nullable(Type.String({ description: '`tok_…`, or `trust/<name>` of a job’s token: what events and logs name it by.' })),
        expiresAt: nullable(timestamp),
      },
      { description: 'What the caller showed.' },
    ),
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
        credential: { kind: 'api-token', id: 'tok_01jd8m0s6rf1tsg5xk3v9c2h4n', expiresAt: '2027-02-24T09:30:00.000Z' },
        teams: [{ name: 'payments', role: 'developer' }],
      },
    ],
  },
)
