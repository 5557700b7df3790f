import type { Json } from './json.ts'
import type { FieldError } from './problem.ts'

/** Known credential formats and private keys anywhere in a value, keys included. The detail never repeats the secret. */
export function findPlaintextSecrets(value: Json, pointer: string): readonly FieldError[] {
  throw new Error(`not yet ${String(value)} ${pointer}`)
}
