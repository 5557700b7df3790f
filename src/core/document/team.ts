import { Type, type Static } from 'typebox'
import { documentSchema, teamRole } from './metadata.ts'

const closed = { additionalProperties: false }

/** An e-mail or a service account's name; compared in lower case. */
const user = Type.String({ minLength: 1, maxLength: 254, pattern: '^[^\\s<>,]+$' })
const group = Type.String({ minLength: 1, maxLength: 254, pattern: '^\\S+$' })

/** Secrets are only ever named; a variable must say that it is one of Purser's. */
const secretSource = Type.Union([
  Type.Object({ env: Type.String({ maxLength: 128, pattern: '^PURSER_SECRET_[A-Z0-9_]+$' }) }, closed),
  Type.Object({ file: Type.String({ maxLength: 1_000, pattern: '^/.+$' }) }, closed),
])

export const teamDocument = documentSchema('Team', {
  members: Type.Optional(
    Type.Array(Type.Union([Type.Object({ user, role: teamRole }, closed), Type.Object({ group, role: teamRole }, closed)]), {
      maxItems: 1_000,
    }),
  ),
  contact: Type.Optional(
    Type.Object(
      {
        email: Type.Optional(Type.String({ maxLength: 254, pattern: '^[^\\s@]+@[^\\s@]+$' })),
        slack: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
        webhook: Type.Optional(secretSource),
      },
      closed,
    ),
  ),
  costCenter: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
})
export type TeamDocument = Static<typeof teamDocument>

/**
 * What everyone signed in may know of a team (L11): its name, its title and how to reach it. Who its members are and what
 * their roles, is for its members.
 */
export function teamCard({ apiVersion, kind, metadata, spec }: TeamDocument): TeamDocument {
  const { name, title } = metadata
  const { email, slack } = spec.contact ?? {}
  const contact = { ...(email === undefined ? {} : { email }), ...(slack === undefined ? {} : { slack }) }
  return {
    apiVersion,
    kind,
    metadata: { name, ...(title === undefined ? {} : { title }) },
    spec: spec.contact === undefined ? {} : { contact },
  }
}
