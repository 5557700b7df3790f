import { Type, type Static } from 'typebox'
import { approvers, documentSchema, jsonObject } from './metadata.ts'

const closed = { additionalProperties: false }

const secretFile = Type.Object({ file: Type.String({ minLength: 1, maxLength: 1_000 }) }, closed)
const secretVariable = Type.Object({ env: Type.String({ maxLength: 128, pattern: '^PURSER_SECRET_[A-Z0-9_]+$' }) }, closed)

/** Which of these goes with which repository is checked in `core/repository.ts`. */
const auth = Type.Object(
  {
    sshKey: Type.Optional(secretFile),
    knownHosts: Type.Optional(secretFile),
    token: Type.Optional(Type.Union([secretFile, secretVariable])),
  },
  closed,
)

/** What paths and names must look like beyond this is checked in `core/place.ts`, with words that help. */
export const environmentDocument = documentSchema('Environment', {
  order: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  gitops: Type.Object(
    {
      repository: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000 })),
      branch: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      path: Type.String({ minLength: 1, maxLength: 200 }),
      auth: Type.Optional(auth),
      signingKey: Type.Optional(secretFile),
      proxy: Type.Optional(Type.String({ minLength: 1, maxLength: 300 })),
    },
    closed,
  ),
  namespace: Type.String({ minLength: 1, maxLength: 100 }),
  values: Type.Optional(jsonObject),
  deletion: Type.Optional(Type.Object({ approvers }, closed)),
  /** Read from, never written to. */
  cluster: Type.Optional(Type.Object({ kubeconfig: Type.Union([secretFile, secretVariable]) }, closed)),
  /** What a kind without a known schema gets. */
  validation: Type.Optional(Type.Union([Type.Literal('warn'), Type.Literal('strict')])),
})
export type EnvironmentDocument = Static<typeof environmentDocument>
