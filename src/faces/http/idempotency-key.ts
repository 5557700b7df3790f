import { ok, refuse, type Result } from '../../core/result.ts'

/**
 * The key in an Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header): a structured-field string in quotes, or
 * the bare key that most clients send. Both forms of one key are the same key. Null when there is none.
 */
export function parseIdempotencyKey(header: string | readonly string[] | undefined): Result<string | null> {
  if (header === undefined) return ok(null)
  const text = String(header)
  const key = text.startsWith('"') ? unquote(text) : /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) ? text : null
  if (key !== null && key.length >= 1 && key.length <= 255) return ok(key)
  return refuse({ code: 'malformed', detail: 'Idempotency-Key is a key of 1 to 255 printable ASCII characters, in double quotes or bare.' })
}

/** RFC 8941, 3.3.3: quotes and backslashes inside are escaped by a backslash. */
function unquote(text: string): string | null {
  const inside = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/.exec(text)?.[1]
  return inside === undefined ? null : inside.replaceAll(/\\(.)/g, '$1')
}
