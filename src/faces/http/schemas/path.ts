import { Type } from 'typebox'

/** Malformed, absent and invisible ids are answered alike, so their form is told and not judged. */
export function idPath(prefix: 'req' | 'res') {
  return Type.Object({ id: Type.String({ description: `\`${prefix}_…\``, examples: [`${prefix}_01jd8m0s6rf1tsg5xk3v9c2h4n`] }) })
}

export const namePath = Type.Object({ name: Type.String({ description: 'The document’s `metadata.name`.', examples: ['payments'] }) })
