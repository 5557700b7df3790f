import { randomBytes } from 'node:crypto'
import { isTokenShaped, makeToken, TOKEN_BYTES } from '../core/token.ts'
import { keepSecretFile } from './secret-file.ts'

/** The administrator's token of an installation: made at the first start, the same ever after. */
export function adminToken(dataDir: string): Promise<string> {
  return keepSecretFile(dataDir, {
    name: 'admin-token',
    what: 'token',
    make: () => makeToken(randomBytes(TOKEN_BYTES)),
    isShaped: isTokenShaped,
  })
}
