import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isLoopbackHost } from '../core/addresses.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { fixedToken, nobody, type Credential } from './credential.ts'
import type { Io } from './io.ts'
import { jobCredential } from './job-token.ts'
import { readSignIn, signInFolder } from './sign-in-file.ts'
import { signedIn } from './signed-in.ts'

export const formats = ['table', 'json', 'yaml'] as const
export type Format = (typeof formats)[number]

/** The options that every command takes. */
export type GlobalOptions = { readonly as?: string; readonly output: Format; readonly color: boolean }

export type Settings = {
  /** Without a slash at its end. */
  readonly url: string
  readonly credential: Credential
  readonly onBehalfOf: string | null
  readonly format: Format
  readonly colour: boolean
  /** Columns; endless where the output is no terminal, so that nothing is cut from what a script reads. */
  readonly width: number
}

const DEFAULT_URL = 'http://127.0.0.1:8080'
const DEFAULT_DATA = './.purser'

/** Settings from the environment and the global options, or one sentence on what is wrong with them. */
export function readSettings(options: GlobalOptions, io: Io): Result<Settings, string> {
  const given = io.env.PURSER_URL || DEFAULT_URL
  const url = URL.canParse(given) ? new URL(given) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return refuse(`PURSER_URL is no http or https address: ${given}`)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return refuse('PURSER_URL is only scheme, host, port and path; credentials go into PURSER_TOKEN')
  }
  const address = withoutEndSlash(url.href)
  const credential = findCredential(url, address, io)
  if (!credential.ok) return credential
  if (options.as !== undefined && !/^[\x21-\x7e]+$/.test(options.as)) return refuse('--as takes an e-mail address')
  const terminal = io.stdout.isTTY === true
  return ok({
    url: address,
    credential: credential.value,
    onBehalfOf: options.as ?? null,
    format: options.output,
    colour: terminal && options.color && (io.env.NO_COLOR ?? '') === '' && io.env.TERM !== 'dumb',
    width: terminal ? Math.max(io.stdout.columns ?? 80, 40) : Number.POSITIVE_INFINITY,
  })
}

/**
 * Who asks: whom PURSER_TOKEN names, else the pipeline's job that this runs in, else who signed in to this very server, else
 * the administrator of an installation on this machine.
 */
function findCredential(url: URL, address: string, io: Io): Result<Credential, string> {
  const given = io.env.PURSER_TOKEN?.trim()
  if (given === '') return ok(nobody)
  if (given !== undefined)
    return isToken(given) ? ok(fixedToken('PURSER_TOKEN', given)) : refuse('PURSER_TOKEN holds characters that no token has')
  const job = jobCredential(address, io)
  if (job !== null) return ok(job)
  const folder = signInFolder(io)
  const signIn = readSignIn(folder, address)
  if (!signIn.ok) return signIn
  if (folder !== null && signIn.value !== null) return ok(signedIn(folder, address, signIn.value, io))
  const token = readAdminToken(url, io)
  return ok(token === null ? nobody : fixedToken('installation', token))
}

function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

/**
 * The administrator's token of an installation on this machine is the default only towards this machine: a file that
 * happens to lie in the working directory must not be sent to whatever PURSER_URL names.
 */
function readAdminToken(url: URL, io: Io): string | null {
  if (!isLoopbackHost(url.hostname)) return null
  try {
    const token = readFileSync(join(io.env.PURSER_DATA || DEFAULT_DATA, 'admin-token'), 'utf8').trim()
    return isToken(token) ? token : null
  } catch {
    return null // Absent or unreadable: asking without a token gets a 401 that says what to do.
  }
}

function withoutEndSlash(text: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === '/') end -= 1
  return text.slice(0, end)
}
