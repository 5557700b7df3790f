import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createGitBranches } from '../../src/adapters/git/branches.ts'
import { probeBranch } from '../../src/adapters/git/probe.ts'
import type { RepositoryAccess } from '../../src/core/repository.ts'
import { Secret } from '../../src/core/secret.ts'
import { GitFault, type GitBranch, type GitBranches } from '../../src/operations/ports.ts'
import { createStage, plan, type Stage } from './git-repositories.ts'
import { makeKey, serveHttp, serveSsh, sshdInstalled, type HttpServer, type Key, type SshServer } from './git-servers.ts'

const signal = new AbortController().signal
const searchPath = process.env['PATH'] ?? ''

/** Fetches, builds and pushes one commit; answers where the branch is then. */
async function deliver(branch: GitBranch, path = 'a'): Promise<string> {
  const head = await branch.fetch()
  const [built] = await branch.buildCommits(head, [plan({ files: [{ path, content: 'a: 1\n' }] })])
  const sha = built?.sha ?? ''
  expect(await branch.push(head, sha)).toEqual({ kind: 'pushed' })
  return sha
}

async function faultOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (caught: unknown) => caught,
  )
  if (!(error instanceof GitFault)) throw new Error(`no GitFault but ${String(error)}`)
  return error.detail
}

/** Everything below a folder, as text. */
function contents(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}

describe('a repository behind http', () => {
  let stage: Stage
  let server: HttpServer
  let git: GitBranches
  let tokenFile: string
  beforeEach(async () => {
    stage = await createStage()
    server = await serveHttp(() => stage.directory)
    tokenFile = join(stage.directory, 'token')
    writeFileSync(tokenFile, 'tok-one\n')
    server.demand('x-access-token:tok-one')
    git = createGitBranches({
      directory: join(stage.directory, 'mirrors'),
      searchPath,
      secrets: { PURSER_SECRET_GITOPS: new Secret('tok-variable') },
    })
  })
  afterEach(async () => {
    await git.close()
    await server.close()
    await stage.close()
  })
  const open = (access: RepositoryAccess, url = `${server.url}/gitops.git`) =>
    git.open({ key: stage.key, repository: url, branch: 'main', access }, signal)
  const withFile = () => open({ auth: { token: { file: tokenFile } } })

  test('takes commits from who has the token, hooks and all', async () => {
    stage.hook('pre-receive', 'cat > received')

    const first = await deliver(withFile())
    const second = await deliver(withFile(), 'b')

    expect(stage.foreign(['rev-parse', 'main'])).toBe(second)
    expect(readFileSync(join(stage.repository, 'received'), 'utf8')).toBe(`${first} ${second} refs/heads/main\n`)
    expect(server.asked.every(({ credentials }) => credentials === 'x-access-token:tok-one')).toBe(true)
  })

  test('gets the token from a variable, with the user of the URL', async () => {
    server.demand('robot:tok-variable')

    const sha = await deliver(
      open({ auth: { token: { env: 'PURSER_SECRET_GITOPS' } } }, server.url.replace('http://', 'http://robot@') + '/gitops.git'),
    )

    expect(stage.foreign(['rev-parse', 'main'])).toBe(sha)
  })

  test('refuses in a hook’s own words, as any other does', async () => {
    stage.hook('pre-receive', 'echo "not on a Friday" >&2; exit 1')
    const branch = withFile()
    const head = await branch.fetch()
    const [built] = await branch.buildCommits(head, [plan()])

    expect(await branch.push(head, built?.sha ?? '')).toEqual({ kind: 'refused', reason: 'not on a Friday' })
  })

  test('is unreachable with a token that it does not take, until the file has the right one: no restart', async () => {
    const branch = withFile()
    await deliver(branch)

    server.demand('x-access-token:tok-two')
    expect(await faultOf(branch.fetch())).toBe('the repository asks for other credentials than it was given')
    writeFileSync(tokenFile, 'tok-two')

    await deliver(branch, 'b')
  })

  test.each([
    ['no file', () => ({ file: join(stage.directory, 'absent') }), 'the file that gitops.auth.token names cannot be read (ENOENT)'],
    ['no variable', () => ({ env: 'PURSER_SECRET_ABSENT' }), 'there is no variable PURSER_SECRET_ABSENT, which gitops.auth.token names'],
    [
      'an empty file',
      () => {
        writeFileSync(tokenFile, '\n')
        return { file: tokenFile }
      },
      'what gitops.auth.token names is empty',
    ],
    [
      'a file of more than one line',
      () => {
        writeFileSync(tokenFile, 'tok-one\nX-Other: header\n')
        return { file: tokenFile }
      },
      'what gitops.auth.token names is no token: it is one short line',
    ],
  ])('is not asked at all where the token is %s', async (_, token, detail) => {
    expect(await faultOf(open({ auth: { token: token() } }).fetch())).toBe(detail)

    expect(server.asked).toEqual([])
  })

  test('tells nobody its token: not in arguments, not in the mirror, not in what failed', async () => {
    // Stands before git on the PATH and writes down how each was called.
    const bin = join(stage.directory, 'bin')
    const log = join(stage.directory, 'arguments')
    mkdirSync(bin)
    writeFileSync(join(bin, 'git'), `#!/bin/sh\necho "$@" >> ${log}\nPATH=${searchPath} exec git "$@"\n`)
    chmodSync(join(bin, 'git'), 0o755)
    const watched = createGitBranches({ directory: join(stage.directory, 'watched'), searchPath: `${bin}:${searchPath}` })
    const encoded = Buffer.from('x-access-token:tok-one').toString('base64')
    const branch = watched.open(
      { key: stage.key, repository: `${server.url}/gitops.git`, branch: 'main', access: { auth: { token: { file: tokenFile } } } },
      signal,
    )

    await deliver(branch)
    server.demand('x-access-token:other')
    const detail = await faultOf(branch.fetch())

    const seen = [readFileSync(log, 'utf8'), contents(join(stage.directory, 'watched')), detail].join('\n')
    expect(seen).toContain('push --porcelain')
    expect(seen).not.toContain('tok-one')
    expect(seen).not.toContain(encoded)
    await watched.close()
  })

  test('does not send the token along when it redirects', async () => {
    const other = await serveHttp(() => stage.directory)
    server.redirect(other.url)

    expect(await faultOf(withFile().fetch())).toContain('302')

    expect(other.asked).toEqual([])
    await other.close()
  })

  test('is reached through the proxy that the environment names', async () => {
    const proxy = await serveHttp(() => stage.directory)
    proxy.demand('x-access-token:tok-one')

    const sha = await deliver(open({ auth: { token: { file: tokenFile } }, proxy: proxy.url }, 'http://127.0.0.1:9/gitops.git'))

    expect(stage.foreign(['rev-parse', 'main'])).toBe(sha)
    expect(proxy.asked[0]?.line).toBe('GET http://127.0.0.1:9/gitops.git/info/refs?service=git-upload-pack')
    await proxy.close()
  })

  test('is told to be well, or not, by a dry run', async () => {
    const mirrors = join(stage.directory, 'probe')
    const probe = (repository: string) =>
      probeBranch(
        { directory: mirrors, searchPath },
        { key: stage.key, repository, branch: 'main', access: { auth: { token: { file: tokenFile } } } },
        signal,
      )

    expect(await probe(`${server.url}/gitops.git`)).toBeNull()
    expect(await faultOf(probe(`${server.url}/absent.git`))).toBe("repository 'the repository/' not found")
  })
})

// Skipped, and said so in the report, where there is no OpenSSH server.
describe.skipIf(!sshdInstalled)(`a repository behind ssh${sshdInstalled ? '' : ' (no sshd installed)'}`, () => {
  let stage: Stage
  let server: SshServer
  let key: Key
  let known: string
  let authorized: string
  beforeAll(async () => {
    stage = await createStage()
    key = makeKey(join(stage.directory, 'key'))
    authorized = join(stage.directory, 'authorized_keys')
    known = join(stage.directory, 'known_hosts')
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
    server = await serveSsh(stage.directory, authorized)
  })
  afterAll(async () => {
    await server.close()
    await stage.close()
  })
  beforeEach(() => {
    writeFileSync(authorized, `${key.public}\n`)
    writeFileSync(known, server.knownHost)
  })
  const open = () =>
    stage.git.open(
      {
        key: stage.key,
        repository: `ssh://${userInfo().username}@127.0.0.1:${server.port}${stage.repository}`,
        branch: 'main',
        access: { auth: { sshKey: { file: key.file }, knownHosts: { file: known } } },
      },
      signal,
    )

  test('takes commits from who has the key', async () => {
    const sha = await deliver(open())

    expect(stage.foreign(['rev-parse', 'main'])).toBe(sha)
  })

  test('is not spoken to when nobody vouches for the host', async () => {
    writeFileSync(known, '')
    expect(await faultOf(open().fetch())).toBe('Host key verification failed.')

    const other = makeKey(join(stage.directory, 'other-host'))
    writeFileSync(known, `[127.0.0.1]:${server.port} ${other.public}\n`)
    expect(await faultOf(open().fetch())).toBe('Host key verification failed.')
    expect(readFileSync(known, 'utf8')).toContain(other.public)
  })

  test('is unreachable with a key that it does not know, until the file has one that it does: no restart', async () => {
    const fresh = makeKey(join(stage.directory, 'fresh'))
    const branch = open()
    await deliver(branch, 'b')

    writeFileSync(authorized, `${fresh.public}\n`)
    expect(await faultOf(branch.fetch())).toMatch(/Permission denied \(publickey\)/)
    writeFileSync(key.file, readFileSync(fresh.file))
    // What lies beside a key is what ssh takes for its public half.
    rmSync(`${key.file}.pub`)

    await deliver(branch, 'c')
  })

  test('is not asked where the key cannot be read', async () => {
    const branch = stage.git.open(
      {
        key: stage.key,
        repository: `ssh://127.0.0.1:${server.port}${stage.repository}`,
        branch: 'main',
        access: { auth: { sshKey: { file: '/nowhere/key' }, knownHosts: { file: known } } },
      },
      signal,
    )

    expect(await faultOf(branch.fetch())).toBe('the file that gitops.auth.sshKey names cannot be read (ENOENT)')
  })

  test('gets nothing of the user’s own ssh: neither configuration nor agent nor other keys', async () => {
    const elsewhere = makeKey(join(stage.directory, 'agent-key'))
    const agent = /SSH_AUTH_SOCK=([^;]+).*SSH_AGENT_PID=(\d+)/s.exec(execFileSync('ssh-agent', ['-s'], { encoding: 'utf8' }))
    const [, socket = '', pid = ''] = agent ?? []
    execFileSync('ssh-add', ['-q', elsewhere.file], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
    writeFileSync(authorized, `${elsewhere.public}\n`)
    process.env['SSH_AUTH_SOCK'] = socket

    expect(await faultOf(open().fetch())).toMatch(/Permission denied/)

    delete process.env['SSH_AUTH_SOCK']
    process.kill(Number(pid))
  })
})
