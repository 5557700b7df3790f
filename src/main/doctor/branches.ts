import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { createBranchHistory } from '../../adapters/git/history.ts'
import { probeBranch } from '../../adapters/git/probe.ts'
import type { Config } from '../../config.ts'
import { embeddedRepository } from '../../core/place.ts'
import { readDrift, type Drift } from '../../operations/branch-drift.ts'
import { GitFault, type BranchRef, type Head } from '../../operations/ports.ts'
import { readBranchAccess } from '../../store/branch-access.ts'
import { listBranches, type BranchRecord } from '../../store/deliveries.ts'
import type { Finding } from './finding.ts'

/** What a branch said to a dry-run push: where it is, and how it and the database have parted; or why there is none. */
export type Probe = { readonly head: Head; readonly drift?: Drift } | { readonly fault: string }

/** Asks every branch, one after the other, from a folder that is gone afterwards. */
export async function checkBranches(config: Config, pool: pg.Pool, signal: AbortSignal): Promise<readonly Finding[]> {
  const branches = await listBranches(pool)
  if (branches.length === 0) return []
  const directory = await mkdtemp(join(tmpdir(), 'purser-doctor-'))
  try {
    const findings: Finding[] = []
    for (const branch of branches) {
      const access = await readBranchAccess(pool, branch)
      const ref = { key: randomUUID(), repository: locate(config, branch.repository), branch: branch.branch, access }
      const answer = await probe(config, ref, directory, signal)
      // The history of a branch that is where Purser left it need not be fetched.
      const parted = 'head' in answer && branch.state === 'ok' && answer.head !== branch.head
      findings.push(judgeBranch(branch, parted ? await compare(config, pool, ref, branch, directory) : answer))
    }
    return findings
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function locate({ dataDir }: Config, repository: string): string {
  return repository === embeddedRepository ? join(dataDir, 'gitops.git') : repository
}

async function probe({ searchPath, secrets }: Config, ref: BranchRef, directory: string, signal: AbortSignal): Promise<Probe> {
  try {
    return { head: await probeBranch({ directory, searchPath, secrets }, ref, signal) }
  } catch (error) {
    if (error instanceof GitFault) return { fault: error.detail }
    throw error
  }
}

async function compare(
  { searchPath, secrets }: Config,
  pool: pg.Pool,
  ref: BranchRef,
  branch: BranchRecord,
  directory: string,
): Promise<Probe> {
  const history = createBranchHistory({ directory: join(directory, 'history'), searchPath, secrets, locate: (repository) => repository })
  try {
    const drift = await readDrift(history, pool, ref, branch)
    return { head: await history.fetch(ref), drift }
  } catch (error) {
    if (error instanceof GitFault) return { fault: error.detail }
    throw error
  } finally {
    await history.close()
  }
}

/** What the dry run and the state in the database mean together. Pure, so that each has a test. */
export function judgeBranch({ repository, branch, state, since, detail }: BranchRecord, answer: Probe): Finding {
  const name = `${branch} of ${repository}`
  const wrong = (status: 'warn' | 'fail', text: string, remedy: string): Finding => ({
    check: 'branch',
    status,
    detail: `${name} ${text}`,
    remedy,
  })
  if ('fault' in answer)
    return wrong(
      'fail',
      `cannot be pushed to: ${answer.fault}`,
      'Bring it back, or correct what its environment says of it. Nothing is lost: what waits is delivered then',
    )
  const held = `since ${since.toISOString()}`
  switch (state) {
    case 'ok': {
      const parted = answer.drift === undefined ? null : judgeDrift(answer.drift)
      if (parted !== null) return wrong(parted.status, parted.text, parted.remedy)
      return {
        check: 'branch',
        status: 'ok',
        detail: `${name} ${answer.head === null ? 'is empty' : `is at ${answer.head.slice(0, 12)}`}; a push would be let in (hooks were not asked)`,
      }
    }
    case 'unreachable':
      return wrong(
        'warn',
        `was unreachable for the worker ${held} (${detail}) and answers now`,
        'The worker tries again within 10 s. If this stays, look at it from where the worker runs',
      )
    case 'refuses':
      return wrong(
        'fail',
        `refuses every commit ${held}: ${detail}`,
        'Change the hook or rule that says so. Nothing has failed: the worker tries again within 10 s',
      )
    case 'history-rewritten':
      return wrong(
        'fail',
        `is held ${held}: ${detail}`,
        answer.head === null
          ? 'Push its history back. Nothing has failed: what waits is delivered then'
          : `Push its history back; or, if what is there now is right: POST /v1/gitops/branches/accept ${JSON.stringify({ repository, branch, head: answer.head })}`,
      )
  }
}

/** Null: they have not parted; commits of other people are nothing that the database has to know. */
function judgeDrift(drift: Drift): { readonly status: 'warn' | 'fail'; readonly text: string; readonly remedy: string } | null {
  if (drift.kind === 'behind')
    return {
      status: 'fail',
      text: 'does not have the last commit of Purser: it was rewritten, or is older than the database. It will be held',
      remedy: 'Push its history back, from a clone or from a worker’s mirror; docs/operations.md, "After a restore", has the rest',
    }
  if (drift.kind === 'none' || drift.unknown.length === 0) return null
  const shown = drift.unknown.slice(0, 3).join(', ')
  const more = drift.unknown.length > 3 ? ` and ${drift.unknown.length - 3} more` : ''
  return {
    status: 'fail',
    text: `is ahead of the database, which does not know the commits of ${shown}${more}`,
    remedy: 'The database is older than the branch. purser gitops verify names them all; docs/operations.md, "After a restore", closes it',
  }
}
