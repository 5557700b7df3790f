import { isLoopbackHost } from './addresses.ts'
import type { EnvironmentDocument } from './document/environment.ts'
import type { FieldError } from './problem.ts'

/**
 * Where a GitOps repository is, and how Purser gets there: a URL of one of four kinds, and secrets that are only ever named.
 * Whatever comes out of here reaches arguments and variables of `git` and `ssh`, so it is spelled out what may be in it.
 */

/** How a repository is reached and commits are signed. It names secrets and has none. */
export type RepositoryAccess = Pick<EnvironmentDocument['spec']['gitops'], 'auth' | 'proxy' | 'signingKey'>

export function accessOf({ spec }: EnvironmentDocument): RepositoryAccess {
  const { auth, proxy, signingKey } = spec.gitops
  return {
    ...(auth === undefined ? {} : { auth }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(signingKey === undefined ? {} : { signingKey }),
  }
}

/** Whether two environments reach their repository in the same way. */
export function sameAccess(a: RepositoryAccess, b: RepositoryAccess): boolean {
  return fingerprint(a) === fingerprint(b)
}

/** The same text for the same access, in whatever order it was written. */
function fingerprint({ auth, proxy, signingKey }: RepositoryAccess): string {
  const token = auth?.token === undefined ? null : 'file' in auth.token ? ['file', auth.token.file] : ['env', auth.token.env]
  return JSON.stringify([auth?.sshKey?.file ?? null, auth?.knownHosts?.file ?? null, token, proxy ?? null, signingKey?.file ?? null])
}

export type RepositoryUrl = {
  readonly scheme: 'file' | 'ssh' | 'http' | 'https'
  /** The user that the URL names; of http and https the one that goes with the token. */
  readonly user: string | null
  /** As git gets it: of http and https without the user. */
  readonly url: string
}

const remote =
  /^(ssh|https?):\/\/(?:([A-Za-z0-9][A-Za-z0-9._-]*)@)?([a-z0-9][a-z0-9.-]*|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?(\/[A-Za-z0-9._~+@/-]+)$/

/** Null: it is none of the four kinds, or has something in it that has no business there, such as a password. */
export function parseRepository(repository: string): RepositoryUrl | null {
  if (repository.split('/').includes('..')) return null
  if (/^file:\/\/\/[A-Za-z0-9._/-]+$/.test(repository)) return { scheme: 'file', user: null, url: repository }
  const [, scheme, user = null, host = '', port = '', path = ''] = remote.exec(repository) ?? []
  if (scheme === 'ssh') return { scheme, user, url: repository }
  if (scheme === 'https' || (scheme === 'http' && isLoopbackHost(host))) return { scheme, user, url: `${scheme}://${host}${port}${path}` }
  return null
}

/** What is wrong with where an environment's repository is and how it is reached. */
export function checkRepository({ spec }: EnvironmentDocument, allowFile: boolean): readonly FieldError[] {
  const { repository, auth, proxy, signingKey } = spec.gitops
  const parsed = repository === undefined ? null : parseRepository(repository)
  if (repository !== undefined && parsed === null) return [{ pointer: '/spec/gitops/repository', detail: badRepository }]
  if (parsed?.scheme === 'file' && !allowFile)
    return [{ pointer: '/spec/gitops/repository', detail: 'may be file:// only where PURSER_ALLOW_FILE_REPOSITORIES is true' }]
  const scheme = parsed?.scheme ?? 'file'
  return [
    ...checkAuth(auth, scheme),
    ...(proxy === undefined ? [] : checkProxy(proxy, scheme)),
    ...(signingKey === undefined ? [] : checkFile(signingKey, '/spec/gitops/signingKey')),
  ]
}

const badRepository =
  'must be ssh://git@host/path, https://host/path, http:// on a loopback address or file:///path: hosts in lower case, paths of letters, digits and . _ ~ + @ -, and no password'

function checkAuth(auth: RepositoryAccess['auth'], scheme: RepositoryUrl['scheme']): readonly FieldError[] {
  const pointer = '/spec/gitops/auth'
  const error = (member: string, detail: string): FieldError => ({ pointer: `${pointer}/${member}`, detail })
  const { sshKey, knownHosts, token } = auth ?? {}
  if (scheme === 'ssh')
    return [
      ...(sshKey === undefined ? [error('sshKey', 'is required for an ssh:// repository')] : checkFile(sshKey, `${pointer}/sshKey`)),
      ...(knownHosts === undefined
        ? [error('knownHosts', 'is required for an ssh:// repository: a host that nobody vouches for is not spoken to')]
        : checkFile(knownHosts, `${pointer}/knownHosts`)),
      ...(token === undefined ? [] : [error('token', 'is for http and https; ssh takes sshKey and knownHosts')]),
    ]
  if (scheme === 'file')
    return auth === undefined ? [] : [{ pointer, detail: 'is for ssh, http and https; a repository on this machine takes none' }]
  return [
    ...(sshKey === undefined ? [] : [error('sshKey', 'is for ssh; http and https take a token')]),
    ...(knownHosts === undefined ? [] : [error('knownHosts', 'is for ssh; http and https take a token')]),
    ...(token !== undefined && 'file' in token ? checkFile(token, `${pointer}/token`) : []),
  ]
}

function checkProxy(proxy: string, scheme: RepositoryUrl['scheme']): readonly FieldError[] {
  const pointer = '/spec/gitops/proxy'
  if (scheme !== 'http' && scheme !== 'https') return [{ pointer, detail: 'is for http and https repositories' }]
  return /^https?:\/\/(?:[a-z0-9][a-z0-9.-]*|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?$/.test(proxy)
    ? []
    : [{ pointer, detail: 'must be http:// or https://, a host and perhaps a port, such as https://proxy.example.com:3128' }]
}

/** ssh splits lists of files at spaces and knows `%` for tokens; so neither is in one. */
function checkFile({ file }: { readonly file: string }, pointer: string): readonly FieldError[] {
  return /^\/[A-Za-z0-9._+@/-]+$/.test(file) && !file.split('/').includes('..')
    ? []
    : [{ pointer: `${pointer}/file`, detail: 'must be an absolute path of letters, digits and . _ + @ -' }]
}
