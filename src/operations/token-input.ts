import { Type, type Static } from 'typebox'
import { scopes } from '../core/permissions.ts'

const closed = { additionalProperties: false }
const name = (description: string) => Type.String({ minLength: 1, maxLength: 254, description })

/** What `createServiceAccount` takes, whatever the face. */
export const serviceAccountInput = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
      description: 'Lower-case letters, digits and -, at most 63; given once, and not again after the account was retired.',
    }),
    team: name('The team that owns it, and that it acts in as developer.'),
    description: Type.Optional(Type.String({ maxLength: 500, description: 'What it is for.' })),
  },
  {
    ...closed,
    $id: 'ServiceAccountInput',
    description: 'A program with an account of its own.',
    examples: [{ name: 'payments-ci', team: 'payments', description: 'Pipelines of payments' }],
  },
)

/** A year; a token that nobody replaced by then is one that nobody knows of. */
const LONGEST_S = 31_536_000
const LONGEST_OVERLAP_S = 2_592_000

/** What `createToken` takes, whatever the face. */
export const tokenInput = Type.Object(
  {
    scopes: Type.Array(Type.Unsafe<(typeof scopes)[number]>({ type: 'string', enum: scopes }), {
      minItems: 1,
      maxItems: scopes.length,
      uniqueItems: true,
      description: 'What it allows at most.',
    }),
    expiresIn: Type.Integer({ minimum: 60, maximum: LONGEST_S, description: 'Seconds until it ends.' }),
    impersonateTeams: Type.Optional(
      Type.Array(name('A team, or `*` for all.'), {
        minItems: 1,
        maxItems: 100,
        uniqueItems: true,
        description: 'With the scope `impersonate`: for members of which teams it may act, in these teams only.',
      }),
    ),
    replaces: Type.Optional(name('`tok_…`: the token whose place it takes.')),
    overlap: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: LONGEST_OVERLAP_S,
        description: 'Seconds that the replaced one goes on to be good; 0 when left out.',
      }),
    ),
  },
  {
    ...closed,
    $id: 'TokenInput',
    description: 'A token to issue.',
    examples: [
      { scopes: ['read', 'requests:write'], expiresIn: 7_776_000 },
      { scopes: ['read', 'requests:write'], expiresIn: 7_776_000, replaces: 'tok_01jd8m0s6rf1tsg5xk3v9c2h4n', overlap: 3_600 },
    ],
  },
)

export type TokenInput = Static<typeof tokenInput>
