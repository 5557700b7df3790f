import type { Json } from './json.ts'
import type { FieldError } from './problem.ts'
import type { Result } from './result.ts'

/** The documents of a YAML stream (JSON is YAML too), empty ones left out; ≤ 1 MiB. */
export function parseYamlDocuments(text: string): Result<readonly unknown[], readonly FieldError[]> {
  throw new Error(`not yet ${text}`)
}

/** Byte-stable YAML: the same value, the same bytes, and no reader (1.1 or 1.2) takes a string for something else. */
export function emitYaml(value: Json): string {
  throw new Error(`not yet ${String(value)}`)
}
