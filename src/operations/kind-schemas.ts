import type { Platform } from '../core/platform.ts'
import { checkPlatform, type ChangedDocument } from '../core/platform-check.ts'
import type { Result } from '../core/result.ts'
import { readSchemasByDigest } from '../store/kind-schemas.ts'
import type { Context } from './context.ts'

/**
 * Whether schemas were read that what was just made on the platform needs and did not have: then it is to be made again.
 * Call it in the turn in which it was made.
 */
export async function readUnread(context: Context, platform: Platform): Promise<boolean> {
  const digests = platform.schemas.takeUnread()
  if (digests.length === 0) return false
  platform.schemas.provide(digests, await readSchemasByDigest(context.database.pool, digests))
  return true
}

/** `checkPlatform` with the schemas that it needs. */
export async function checkWithSchemas(context: Context, platform: Platform, changed: readonly ChangedDocument[]): Promise<Result<void>> {
  for (;;) {
    const checked = checkPlatform(platform, changed)
    if (!(await readUnread(context, platform))) return checked
  }
}
