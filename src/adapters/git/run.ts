import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { GitFault } from '../../operations/ports.ts'

/**
 * The only place that starts `git`: no shell, an environment that no file of the machine or the user reaches into, a
 * time limit, and a process group of its own, so that a kill also reaches what git has started (over the `file`
 * transport that is receive-pack and the repository's hooks).
 */
export type GitCall = {
  readonly args: readonly string[]
  readonly signal: AbortSignal
  readonly timeoutMs: number
  /** Beside what every git gets; without it no repository but one on this machine is spoken to. */
  readonly env?: Readonly<Record<string, string>>
}

export type RunningGit = {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Settles when the process is gone. Rejects with GitFault when it was killed or could not start. */
  readonly ended: Promise<{ readonly code: number; readonly stderr: string }>
  stop(): void
}

export type GitResult = { readonly code: number; readonly stdout: Buffer; readonly stderr: string }

export type GitRunner = {
  /** Makes the folder that git calls home; before the first start, and again when it went missing. */
  prepare(): Promise<void>
  start(call: GitCall): RunningGit
  run(call: GitCall & { readonly input?: Buffer }): Promise<GitResult>
  close(): Promise<void>
}

/** After TERM git removes its locks; a KILL leaves them, in the mirror and, worse, in the repository. So it gets this long. */
const GRACE_MS = 3_000
const MAX_STDERR = 64 * 1024
/** `rev-list` of a million commits fits. */
const MAX_STDOUT = 64 * 1024 * 1024

/** `directory` becomes git's HOME; `searchPath` is the PATH in which git, and hooks of a local repository, find programs. */
export function createGitRunner(options: { readonly directory: string; readonly searchPath: string }): GitRunner {
  const globalConfig = join(options.directory, 'gitconfig')
  const env = hermeticEnvironment(options.directory, globalConfig, options.searchPath)
  const running = new Map<RunningGit, Promise<unknown>>()
  let closed = false

  async function prepare(): Promise<void> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    await writeFile(globalConfig, GLOBAL_CONFIG, { mode: 0o600 })
  }

  function start(call: GitCall): RunningGit {
    if (closed) throw new GitFault('again', 'stopped')
    if (call.signal.aborted) throw stopped(call.signal)
    // Every path is absolute; a folder of ours that somebody removed must not look like a git that is not installed.
    const child = spawn('git', call.args, { cwd: '/', env: { ...env, ...call.env }, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    const git = supervise(child, call)
    const gone = git.ended.catch(() => undefined).finally(() => running.delete(git))
    running.set(git, gone)
    return git
  }

  async function run(call: GitCall & { readonly input?: Buffer }): Promise<GitResult> {
    const git = start(call)
    const chunks: Buffer[] = []
    let size = 0
    git.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_STDOUT) chunks.push(chunk)
      else git.stop()
    })
    git.stdin.end(call.input)
    const { code, stderr } = await git.ended
    return { code, stdout: Buffer.concat(chunks), stderr }
  }

  async function close(): Promise<void> {
    closed = true
    for (const git of running.keys()) git.stop()
    await Promise.all(running.values())
  }

  return { prepare, start, run, close }
}

/**
 * `safe.directory` has to come from the global file: what is given by `-c` or GIT_CONFIG_* does not reach the
 * upload-pack and receive-pack of a local repository, which may belong to somebody else.
 */
const GLOBAL_CONFIG = '[safe]\n\tdirectory = *\n'

function hermeticEnvironment(home: string, globalConfig: string, searchPath: string): Record<string, string> {
  return {
    PATH: searchPath,
    HOME: home,
    GIT_CONFIG_GLOBAL: globalConfig,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'file',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
  }
}

function supervise(child: ChildProcessByStdio<Writable, Readable, Readable>, call: GitCall): RunningGit {
  let stderr = ''
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR)
  })
  // A process that ends early closes its stdin under us; its exit code and stderr say why.
  child.stdin.on('error', () => undefined)

  let kill: (fault: GitFault) => void = () => undefined
  const ended = new Promise<{ code: number; stderr: string }>((resolve, reject) => {
    let killed = false
    kill = (fault) => {
      if (killed) return
      killed = true
      void endGroup(child).then(() => reject(fault))
    }
    child.once('error', (cause) => reject(new GitFault('stop', 'the git program cannot be started', { cause })))
    child.once('close', (code, signal) => {
      if (killed) return
      if (code === null) reject(new GitFault('again', `git was ended by ${signal ?? 'a signal'}`))
      else resolve({ code, stderr })
    })
  })

  const onAbort = () => kill(stopped(call.signal))
  const timer = setTimeout(() => kill(new GitFault('again', `no answer within ${call.timeoutMs / 1000} s`)), call.timeoutMs)
  call.signal.addEventListener('abort', onAbort, { once: true })
  // The caller may have given up on the output before it asks for the end: that rejection must not count as unhandled.
  ended
    .catch(() => undefined)
    .finally(() => {
      clearTimeout(timer)
      call.signal.removeEventListener('abort', onAbort)
    })
  return { stdin: child.stdin, stdout: child.stdout, ended, stop: () => kill(new GitFault('again', 'stopped')) }
}

function stopped(signal: AbortSignal): GitFault {
  return new GitFault('again', 'stopped, the branch is no longer held', { cause: signal.reason })
}

/** Ends the whole process group, hooks included, and answers when it is gone (or cannot be made to go). */
async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child
  if (pid === undefined) return
  signalGroup(pid, 'SIGTERM')
  if (!(await groupGone(pid, GRACE_MS))) {
    signalGroup(pid, 'SIGKILL')
    await groupGone(pid, GRACE_MS)
  }
  child.stdin?.destroy()
  child.stdout?.destroy()
  child.stderr?.destroy()
}

async function groupGone(pid: number, limitMs: number): Promise<boolean> {
  for (const end = Date.now() + limitMs; Date.now() < end; await delay(5)) {
    if (!signalGroup(pid, 0)) return true
  }
  return false
}

/** False when no process of the group is left. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}
