import { constants } from 'node:fs'
import { access, open } from 'node:fs/promises'
import { parseRepository, type RepositoryAccess, type RepositoryUrl } from '../../core/repository.ts'
import type { Secret } from '../../core/secret.ts'
import { GitFault, type BranchRef } from '../../operations/ports.ts'

/**
 * How git reaches a repository: the URL that it gets as an argument, and variables of the one process for everything else.
 * Arguments are seen by whoever can list processes, and a mirror's configuration would outlive the secret; a variable does
 * neither.
 */
export type Remote = {
  readonly url: string
  /** Reads what the environment's document names, anew each time. */
  environment(): Promise<Record<string, string>>
}

export type Secrets = Readonly<Record<string, Secret>>

/** @throws GitFault when it is nothing that git could be sent to. */
export function remoteOf({ repository, access: reached }: BranchRef, secrets: Secrets): Remote {
  // Main names folders of its own by their path.
  if (repository.startsWith('/')) return { url: repository, environment: async () => allow('file') }
  const parsed = parseRepository(repository)
  if (parsed === null) throw new GitFault('stop', 'the repository is neither an absolute path nor a URL that Purser knows')
  return { url: parsed.url, environment: () => environmentOf(parsed, reached, secrets) }
}

function allow(scheme: RepositoryUrl['scheme']): Record<string, string> {
  return { GIT_ALLOW_PROTOCOL: scheme }
}

async function environmentOf(
  { scheme, user }: RepositoryUrl,
  { auth, proxy }: RepositoryAccess,
  secrets: Secrets,
): Promise<Record<string, string>> {
  switch (scheme) {
    case 'file':
      return allow(scheme)
    case 'ssh':
      if (auth?.sshKey === undefined || auth.knownHosts === undefined)
        throw new GitFault('stop', 'the environment names no sshKey and knownHosts for the repository')
      return { ...allow(scheme), GIT_SSH_VARIANT: 'ssh', GIT_SSH_COMMAND: await sshCommand(auth.sshKey.file, auth.knownHosts.file) }
    case 'http':
    case 'https':
      return {
        ...allow(scheme),
        ...gitSettings([
          // A header that was set goes along to wherever a repository redirects.
          ['http.followRedirects', 'false'],
          ...(proxy === undefined ? [] : [['http.proxy', proxy] as const]),
          ...(auth?.token === undefined ? [] : [['http.extraHeader', basic(user, await readToken(auth.token, secrets))] as const]),
        ]),
      }
  }
}

/** Configuration by variables, which git hands on to its own children only (git-config(1)). */
function gitSettings(settings: readonly (readonly [name: string, value: string])[]): Record<string, string> {
  const entries = settings.flatMap(([name, value], i) => [
    [`GIT_CONFIG_KEY_${i}`, name],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ])
  return { GIT_CONFIG_COUNT: String(settings.length), ...(Object.fromEntries(entries) as Record<string, string>) }
}

/** Forges look at the token alone where it is a password; one that wants a certain user gets it from the URL. */
function basic(user: string | null, token: string): string {
  return `Authorization: Basic ${Buffer.from(`${user ?? 'x-access-token'}:${token}`).toString('base64')}`
}

const MAX_TOKEN = 8_192

async function readToken(source: { readonly file: string } | { readonly env: string }, secrets: Secrets): Promise<string> {
  const text = 'file' in source ? await readStart(source.file) : secrets[source.env]?.reveal()
  if (text === undefined)
    throw new GitFault('wait', `there is no variable ${'env' in source ? source.env : ''}, which gitops.auth.token names`)
  const token = text.trim()
  if (token === '') throw new GitFault('wait', 'what gitops.auth.token names is empty')
  if (token.length > MAX_TOKEN || /\p{Cc}/u.test(token))
    throw new GitFault('wait', 'what gitops.auth.token names is no token: it is one short line')
  return token
}

/** Not more of a file than a token can be: it may be anything that somebody named. */
async function readStart(file: string): Promise<string> {
  try {
    const handle = await open(file)
    try {
      const buffer = Buffer.alloc(MAX_TOKEN + 2)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length)
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw unreadable('token', cause)
  }
}

/** The one key, the one list of hosts, no question to anybody, and nothing of what the machine's user has set up. */
async function sshCommand(key: string, knownHosts: string): Promise<string> {
  await access(key, constants.R_OK).catch((cause: unknown) => Promise.reject(unreadable('sshKey', cause)))
  await access(knownHosts, constants.R_OK).catch((cause: unknown) => Promise.reject(unreadable('knownHosts', cause)))
  const options = [
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    `UserKnownHostsFile=${knownHosts}`,
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    'BatchMode=yes',
    'ConnectTimeout=20',
    'ServerAliveInterval=15',
    'LogLevel=ERROR',
  ]
  return ['ssh', '-F', '/dev/null', '-i', key, ...options.flatMap((option) => ['-o', option])].map(quote).join(' ')
}

/** Git gives the command to a shell. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

function unreadable(member: string, cause: unknown): GitFault {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
  return new GitFault('wait', `the file that gitops.auth.${member} names cannot be read (${code})`, { cause })
}
