/**
 * Every secret that a test made or showed, so that the logs of its servers can be searched for them: whole tokens, and of
 * a JWT the signature too. Short ones are left out: they stand everywhere.
 */
const made = new Set<string>()
const SHORTEST = 20

/** Keeps a secret in mind, and gives it back. */
export function remember(secret: string): string {
  const parts = secret.split('.')
  for (const part of [secret, ...(parts.length === 3 ? parts.slice(2) : [])]) if (part.length >= SHORTEST) made.add(part)
  return secret
}

/** What a JSON answer hands out, under the names that OAuth and Purser have for it. */
export function rememberAnswer(body: unknown): void {
  if (typeof body !== 'object' || body === null) return
  for (const name of ['token', 'access_token', 'id_token', 'refresh_token']) {
    const value: unknown = Reflect.get(body, name)
    if (typeof value === 'string') remember(value)
  }
}

/** The beginnings of those secrets that a text has in it. */
export function leaksIn(text: string): readonly string[] {
  return [...made].filter((secret) => text.includes(secret)).map((secret) => `${secret.slice(0, 12)}…`)
}

/** How many are known, for tests that make sure that there is something to look for. */
export function secretsMade(): number {
  return made.size
}
