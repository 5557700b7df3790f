import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Binaries } from './binaries.ts'

const run = promisify(execFile)

/** What every database program runs in: nothing of ours leaks in, and nothing of the user's PG* variables interferes. */
export const databaseEnv = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' } as const

/** Puts a program's command line into the one that may run it. */
export type Launcher = (program: string, args: readonly string[]) => { readonly file: string; readonly args: readonly string[] }

/** The id of `nobody` wherever PostgreSQL's packages run; only a number is needed, so no account is looked up or made. */
const NOBODY = 65_534

/**
 * PostgreSQL refuses to run as root. So root gives it an id that owns nothing but the data, and keeps one capability:
 * dac_override, without which it could not reach its own files below a root home of mode 0700. PostgreSQL asks access(2)
 * about them first, which drops the capabilities of any id but root's unless `no_setuid_fixup` says otherwise
 * (capabilities(7)). `--pdeathsig INT` asks the kernel to shut the database down (fast, clean) when this process is gone,
 * `kill -9` included.
 *
 * A user namespace does the same where root may not change its id. Containers often forbid that one, hence the order.
 * Which of them works is tried: with `initdb --show` before there is data, with `postgres -C` on the data afterwards. Both
 * look for all that is going to be needed and do nothing; initdb also wants its id to have an account, which data of an
 * ordinary user in a container may not have.
 */
export async function chooseLauncher(binaries: Binaries, clusterDir: string): Promise<Launcher> {
  if (process.platform !== 'linux') {
    if (process.getuid?.() === 0)
      throw new Error('The embedded PostgreSQL cannot run as root on this platform. Start as an ordinary user, or set DATABASE_URL.')
    return (program, args) => ({ file: program, args })
  }
  const data = await stat(clusterDir).catch(() => null)
  const candidates = process.getuid?.() === 0 ? launchersOfRoot(data) : launchersOfUser()
  const refusals: unknown[] = []
  for (const launcher of candidates) {
    const command =
      data === null
        ? launcher(binaries.initdb, ['--show', '-D', clusterDir])
        : launcher(binaries.postgres, ['-D', clusterDir, '-C', 'data_directory'])
    try {
      await run(command.file, command.args, { env: databaseEnv, cwd: '/', timeout: 10_000 })
      return launcher
    } catch (cause) {
      refusals.push(cause)
    }
  }
  throw new AggregateError(
    refusals,
    `The embedded PostgreSQL cannot be run: ${lastLine(refusals.at(0))}. Start as an ordinary user, or set DATABASE_URL.`,
  )
}

/** Data that an ordinary user made (or a volume of theirs) stays theirs; PostgreSQL insists that it owns its folder. */
function launchersOfRoot(data: { readonly uid: number; readonly gid: number } | null): readonly Launcher[] {
  const { uid, gid } = data === null || data.uid === 0 ? { uid: NOBODY, gid: NOBODY } : data
  const identity = [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--inh-caps=-all,+dac_override',
    '--ambient-caps=-all,+dac_override',
    '--no-new-privs',
  ]
  return [
    (program, args) => ({
      file: 'setpriv',
      args: [...identity, '--securebits', '+no_setuid_fixup', '--pdeathsig', 'INT', program, ...args],
    }),
    // Without the capability to set securebits, it still works wherever the folders above are open to all.
    (program, args) => ({ file: 'setpriv', args: [...identity, '--pdeathsig', 'INT', program, ...args] }),
    (program, args) => ({
      file: 'unshare',
      args: ['--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, 'setpriv', '--pdeathsig', 'INT', program, ...args],
    }),
  ]
}

/** Without setpriv (not every distribution has util-linux) a killed process leaves the database to the next start. */
function launchersOfUser(): readonly Launcher[] {
  return [
    (program, args) => ({ file: 'setpriv', args: ['--pdeathsig', 'INT', program, ...args] }),
    (program, args) => ({ file: program, args }),
  ]
}

function lastLine(error: unknown): string {
  const text =
    typeof error === 'object' && error !== null && 'stderr' in error && typeof error.stderr === 'string' && error.stderr !== ''
      ? error.stderr
      : String(error)
  return text.trim().split('\n').at(-1) ?? ''
}
