import { randomBytes } from 'node:crypto'
import type { Config } from '../config.ts'
import { Secret } from '../core/secret.ts'
import { keepSecretFile } from './secret-file.ts'

/**
 * What Purser signs with: PURSER_KEY; beside an embedded database, which has one process, a key that is made once and
 * kept. On another database it has to be said, since a key in one process's folder is not the others'.
 */
export async function purserKeys({ keys, dataDir }: Pick<Config, 'keys' | 'dataDir'>, embedded: boolean): Promise<readonly Secret[]> {
  if (keys.length > 0 || !embedded) return keys
  const key = await keepSecretFile(dataDir, {
    name: 'key',
    what: 'key',
    make: () => randomBytes(32).toString('base64url'),
    isShaped: (text) => /^[\w-]{43}$/.test(text),
  })
  return [new Secret(key)]
}
