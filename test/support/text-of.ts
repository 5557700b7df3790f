/** A member of an answer that has to be text, such as an id. */
export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`text was expected, not ${JSON.stringify(value)}`)
  return value
}
