import { Type } from 'typebox'
import { jsonObject } from '../core/document/metadata.ts'

const closed = { additionalProperties: false }

/** Names are looked up, and those that name nothing are answered with what may have been meant; so their shape is bounded here and no more. */
const name = (description: string) => Type.String({ minLength: 1, maxLength: 254, description })

const resourceName = name('Lower-case letters, digits and -, at most 50; unique in team and environment.')
const blueprint = name('A blueprint, `postgres` (its highest version that is not deprecated) or `postgres@1.2.0`.')
const overwrite = Type.Optional(Type.Boolean({ description: 'Write over files that somebody changed on the branch.' }))

const create = Type.Object(
  {
    action: Type.Literal('create'),
    blueprint,
    name: resourceName,
    parameters: Type.Optional(jsonObject),
    ttl: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 40,
        description: 'Time to live, counted from the commit: weeks, days, hours as ISO 8601 writes them (P14D).',
      }),
    ),
  },
  { ...closed, title: 'Create' },
)
const update = Type.Object(
  {
    action: Type.Literal('update'),
    name: resourceName,
    parameters: Type.Optional(jsonObject),
    blueprint: Type.Optional(blueprint),
    overwrite,
  },
  {
    ...closed,
    title: 'Update',
    description:
      '`parameters` is a merge patch (RFC 7396) on the effective parameters: null takes a member out, and defaults fill it again.',
  },
)
const remove = Type.Object({ action: Type.Literal('delete'), name: resourceName, overwrite }, { ...closed, title: 'Delete' })

/** The plan that a caller has seen. Any text will do: one that is not the digest of the plan is answered as such. */
const planDigest = Type.String({ minLength: 1, maxLength: 254, description: 'The digest of the plan that was looked at.' })
const comment = Type.String({ minLength: 1, maxLength: 2_000 })

const changes = [{ action: 'create', blueprint: 'postgres', name: 'orders-db', parameters: { size: 'm', storageGB: 600 }, ttl: 'P14D' }]

export const requestInput = Type.Object(
  {
    team: name('The team that asks, and pays.'),
    environment: name('The place where it is to be.'),
    reason: Type.Optional(Type.String({ maxLength: 2_000, description: 'Stands in the commit, for those who read it later.' })),
    changes: Type.Array(Type.Union([create, update, remove]), {
      minItems: 1,
      maxItems: 50,
      description: 'Decided together and committed together, in one commit.',
    }),
    planDigest: Type.Optional(planDigest),
  },
  {
    ...closed,
    $id: 'RequestInput',
    description: 'What is asked for.',
    examples: [
      { team: 'payments', environment: 'prod', reason: 'orders go live', changes },
      {
        team: 'payments',
        environment: 'prod',
        changes: [
          { action: 'update', name: 'orders-db', parameters: { storageGB: 800 } },
          { action: 'delete', name: 'orders-cache' },
        ],
      },
    ],
  },
)

export const approval = Type.Object(
  { planDigest, comment: Type.Optional(comment) },
  {
    ...closed,
    $id: 'Approval',
    description: 'A yes to exactly this plan.',
    examples: [{ planDigest: `sha256:${'a'.repeat(64)}`, comment: 'Fits the capacity plan' }],
  },
)

export const rejection = Type.Object(
  { comment },
  { ...closed, $id: 'Rejection', description: 'A no, and why.', examples: [{ comment: 'Use the shared cluster for this' }] },
)
