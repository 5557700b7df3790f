import { execFile } from 'node:child_process'
import { stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Config } from '../../config.ts'
import type { Finding } from './finding.ts'

const run = promisify(execFile)

/** What Purser needs of the machine that it runs on. */
export async function checkMachine(config: Config): Promise<readonly Finding[]> {
  return [
    judgeNode(process.versions.node),
    judgeGit(await gitVersion(config.searchPath)),
    // On a database of its own where people sign in, no token is made.
    ...(config.database !== null && config.identity.issuers.length > 0 ? [] : [await checkToken(config.dataDir)]),
    await checkKey(config),
    ...(await checkDisk(config.dataDir)),
  ]
}

/** The oldest that `engines` in package.json names. */
const oldestNode = [20, 19] as const
/** `git repack --geometric` came with 2.32; 2.39 is the oldest that the tests have seen. */
const [oldestGit, testedGit] = [[2, 32] as const, [2, 39] as const]

export function judgeNode(version: string): Finding {
  if (!isOlder(version, oldestNode)) return { check: 'node', status: 'ok', detail: version }
  return { check: 'node', status: 'fail', detail: version, remedy: `Install Node ${oldestNode.join('.')} or newer` }
}

/** Null: there is none. */
export function judgeGit(version: string | null): Finding {
  const remedy = `Install git ${testedGit.join('.')} or newer`
  if (version === null) return { check: 'git', status: 'fail', detail: 'not installed, or not on the PATH', remedy }
  const status = isOlder(version, oldestGit) ? 'fail' : isOlder(version, testedGit) ? 'warn' : 'ok'
  return { check: 'git', status, detail: version, ...(status === 'ok' ? {} : { remedy }) }
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number)
  return ownMajor < major || (ownMajor === major && ownMinor < minor)
}

async function gitVersion(searchPath: string): Promise<string | null> {
  try {
    const { stdout } = await run('git', ['--version'], { timeout: 10_000, env: { PATH: searchPath } })
    return /\d+(\.\d+)+/.exec(stdout)?.[0] ?? stdout.trim()
  } catch {
    return null
  }
}

export function checkToken(dataDir: string): Promise<Finding> {
  return checkSecretFile('token', join(dataDir, 'admin-token'))
}

/** What short-lived tokens are signed with. */
export async function checkKey({ keys, database, dataDir }: Pick<Config, 'keys' | 'database' | 'dataDir'>): Promise<Finding> {
  if (keys.length > 0) return { check: 'key', status: 'ok', detail: `PURSER_KEY${keys.length === 1 ? '' : `, ${keys.length} of them`}` }
  if (database === null) return checkSecretFile('key', join(dataDir, 'key'))
  return {
    check: 'key',
    status: 'warn',
    detail: 'none: CI jobs get no short-lived tokens',
    remedy: 'Set PURSER_KEY to the same secret in every process: openssl rand -hex 32',
  }
}

async function checkSecretFile(check: string, path: string): Promise<Finding> {
  const found = await stat(path).catch(() => null)
  if (found === null) return { check, status: 'ok', detail: 'none yet: the first start makes one' }
  if ((found.mode & 0o077) === 0) return { check, status: 'ok', detail: path }
  return { check, status: 'warn', detail: `others can read ${path}`, remedy: `chmod 600 ${path}` }
}

const GiB = 1024 ** 3

async function checkDisk(dataDir: string): Promise<readonly Finding[]> {
  // Before the first start there is no folder, and nothing to run out of.
  const found = await statfs(dataDir).catch(() => null)
  return found === null ? [] : [judgeDisk(found.bavail * found.bsize, dataDir)]
}

export function judgeDisk(freeBytes: number, dataDir: string): Finding {
  const detail = `${(freeBytes / GiB).toFixed(1)} GiB free in ${dataDir}`
  const status = freeBytes < 0.1 * GiB ? 'fail' : freeBytes < GiB ? 'warn' : 'ok'
  return {
    check: 'disk',
    status,
    detail,
    ...(status === 'ok' ? {} : { remedy: 'Make room: a full disk stops the embedded database and every delivery' }),
  }
}
