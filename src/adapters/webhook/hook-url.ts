import { open } from 'node:fs/promises'
import type { Secret } from '../../core/secret.ts'
import type { SecretSource } from '../../operations/ports.ts'

const MAX_URL = 2_048

/** The URL of a hook, read anew for each post so that it can be changed at any time; or what is wrong, without a word of it. */
export async function readHookUrl(
  source: SecretSource,
  secrets: Readonly<Record<string, Secret>>,
): Promise<{ readonly url: URL } | { readonly wrong: string }> {
  const text = 'file' in source ? await readStart(source.file) : secrets[source.env]?.reveal()
  if (text === undefined) return { wrong: `there is no variable ${'env' in source ? source.env : ''}, which contact.webhook names` }
  if (text === null) return { wrong: 'the file that contact.webhook names cannot be read' }
  const url = text.trim()
  if (url.length > MAX_URL || !/^https?:\/\/[\x21-\x7e]+$/.test(url) || !URL.canParse(url))
    return { wrong: 'what contact.webhook names is no URL of https: it is one line' }
  return { url: new URL(url) }
}

/** Not more of a file than a URL can be: it may be anything that somebody named. */
async function readStart(file: string): Promise<string | null> {
  try {
    const handle = await open(file)
    try {
      const buffer = Buffer.alloc(MAX_URL + 2)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length)
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch {
    return null
  }
}
