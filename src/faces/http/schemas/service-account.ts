import { Type } from 'typebox'
import { scopes } from '../../../core/permissions.ts'
import { serviceAccountInput, tokenInput } from '../../../operations/token-input.ts'
import { nullable, oneOf, timestamp } from './component.ts'
import { pageSchema } from './page.ts'

const accountExample = {
  name: 'payments-ci',
  team: 'payments',
  description: 'Pipelines of payments',
  createdAt: '2026-11-26T09:30:00.000Z',
  createdBy: 'olivia@example.com',
}

export const serviceAccount = Type.Object(
  {
    name: Type.String(),
    team: Type.String({ description: 'Its owner; it acts there as developer, and nowhere else.' }),
    description: Type.String(),
    createdAt: timestamp,
    createdBy: Type.String({ description: 'The subject of who made it, and has a part in what it asks.' }),
  },
  { $id: 'ServiceAccount', description: 'A program with an account of its own, owned by a team.', examples: [accountExample] },
)

export const serviceAccountPage = pageSchema('ServiceAccountPage', serviceAccount, accountExample)

const tokenExample = {
  id: 'tok_01jd8m0s6rf1tsg5xk3v9c2h4n',
  prefix: 'psr_Ab12',
  scopes: ['read', 'requests:write'],
  impersonateTeams: [],
  createdAt: '2026-11-26T09:30:00.000Z',
  createdBy: 'olivia@example.com',
  expiresAt: '2027-02-24T09:30:00.000Z',
  lastUsedAt: null,
  revokedAt: null,
  replacedBy: null,
  warnings: [],
}

const tokenMembers = {
  id: Type.String({ description: '`tok_…`: what events and logs name it by.' }),
  prefix: nullable(Type.String({ description: 'Its first characters.' })),
  scopes: Type.Array(oneOf(scopes)),
  impersonateTeams: Type.Array(Type.String(), { description: 'For whose members it may act; `*`: for everybody’s.' }),
  createdAt: timestamp,
  createdBy: nullable(Type.String({ description: 'The subject of who had it issued, and has a part in what is asked with it.' })),
  expiresAt: nullable(timestamp),
  lastUsedAt: nullable(timestamp),
  revokedAt: nullable(timestamp),
  replacedBy: nullable(Type.String({ description: 'The token that took its place.' })),
  warnings: Type.Array(Type.String(), { description: 'What whoever looks at its scopes should know.' }),
}

const issuedToken = Type.Object(tokenMembers, {
  $id: 'Token',
  description: 'A token of a service account, without the token itself. `lastUsedAt` may be a minute late.',
  examples: [tokenExample],
})

export const createdToken = Type.Object(
  { ...tokenMembers, token: Type.String({ description: 'The token itself, in this answer alone.' }) },
  {
    $id: 'CreatedToken',
    description: 'A token that was issued now.',
    examples: [{ ...tokenExample, token: 'psr_…' }],
  },
)

export const tokenPage = pageSchema('TokenPage', issuedToken, tokenExample)

export const serviceAccountComponents = [
  serviceAccountInput,
  serviceAccount,
  serviceAccountPage,
  tokenInput,
  issuedToken,
  createdToken,
  tokenPage,
]
