import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export type SecretFile = {
  readonly name: string
  /** What it holds, as an error names it. */
  readonly what: string
  make(): string
  isShaped(text: string): boolean
}

/**
 * A secret of an installation: read from its file in the data folder, or made and written there (mode 0600) the first
 * time. Written beside its place and linked into it, so that there is never half a secret, and of two processes that
 * start together both have the first one's.
 */
export async function keepSecretFile(dataDir: string, file: SecretFile): Promise<string> {
  const path = join(dataDir, file.name)
  const existing = await readSecret(path, file)
  if (existing !== null) return existing
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const fresh = `${path}.${randomUUID()}`
  await writeFile(fresh, `${file.make()}\n`, { mode: 0o600, flag: 'wx' })
  try {
    await link(fresh, path)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause
  } finally {
    await rm(fresh, { force: true })
  }
  const secret = await readSecret(path, file)
  if (secret === null) throw new Error(`${path} vanished while it was made`)
  return secret
}

async function readSecret(path: string, { what, isShaped }: SecretFile): Promise<string | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw cause
  }
  const secret = text.trim()
  if (!isShaped(secret)) throw new Error(`${path} holds no ${what}. Remove it, and the next start makes a new one.`)
  return secret
}
