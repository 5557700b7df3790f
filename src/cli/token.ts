import { readFileSync } from 'node:fs'
import { note, print, type Context } from './context.ts'
import { exits, readStdin } from './io.ts'
import { exchangeJobToken } from './job-token.ts'

export type TokenOptions = { readonly trust?: string; readonly scope?: string }

const MAX_BYTES = 64 * 1024

/** `purser token`: the job's identity for a token of the server's, alone on standard output. */
export async function token(context: Context, file: string | undefined, options: TokenOptions): Promise<number> {
  const { io, settings } = context
  const read = file === undefined ? undefined : await readToken(context, file)
  if (read === null) {
    note(context, file === '-' ? 'There is no token on standard input.' : `There is no token in ${file ?? ''}.`)
    return exits.usage
  }
  const wanted = { trust: options.trust ?? (io.env.PURSER_TRUST || undefined), scope: options.scope }
  // What the job already has is as good as another, which it might not get.
  const kept = read === undefined && options.scope === undefined && options.trust === undefined && settings.credential.from === 'job'
  if (kept && settings.format === 'table') {
    io.stdout.write(`${(await settings.credential.token()) ?? ''}\n`)
    return exits.reached
  }
  const { token: text, scope, expiresAt } = await exchangeJobToken(settings.url, io, wanted, read)
  await print(context, { token: text, scope, expiresAt: new Date(expiresAt).toISOString() }, (shown) => shown.token)
  return exits.reached
}

async function readToken({ io }: Context, file: string): Promise<string | null> {
  try {
    const text = file === '-' ? await readStdin(io, MAX_BYTES) : readFileSync(file, 'utf8')
    const trimmed = text?.trim() ?? ''
    return trimmed === '' ? null : trimmed
  } catch {
    return null
  }
}
