import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { probeBranch } from '../../adapters/git/probe.ts'
import type { Config } from '../../config.ts'
import { embeddedRepository } from '../../core/place.ts'
import { GitFault, type BranchRef, type Head } from '../../operations/ports.ts'
import { readBranchAccess } from '../../store/branch-access.ts'
import { listBranches, type BranchRecord } from '../../store/deliveries.ts'
import type { Finding } from './finding.ts'

/** What a branch said to a dry-run push: where it is, or why there is none. */
export type Probe = { readonly head: Head } | { readonly fault: string }

/** Asks every branch, one after the other, from a folder that is gone afterwards. */
export async function checkBranches(config: Config, pool: pg.Pool, signal: AbortSignal): Promise<readonly Finding[]> {
  const branches = await listBranches(pool)
  if (branches.length === 0) return []
  const directory = await mkdtemp(join(tmpdir(), 'purser-doctor-'))
  try {
    const findings: Finding[] = []
    for (const branch of branches) {
      const access = await readBranchAccess(pool, branch)
      findings.push(judgeBranch(branch, await probe(config, { ...branch, access }, directory, signal)))
    }
    return findings
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function probe(
  { dataDir, searchPath, secrets }: Config,
  { repository, branch, access }: Omit<BranchRef, 'key'>,
  directory: string,
  signal: AbortSignal,
): Promise<Probe> {
  const path = repository === embeddedRepository ? join(dataDir, 'gitops.git') : repository
  try {
    return { head: await probeBranch({ directory, searchPath, secrets }, { key: randomUUID(), repository: path, branch, access }, signal) }
  } catch (error) {
    if (error instanceof GitFault) return { fault: error.detail }
    throw error
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
    case 'ok':
      return {
        check: 'branch',
        status: 'ok',
        detail: `${name} ${answer.head === null ? 'is empty' : `is at ${answer.head.slice(0, 12)}`}; a push would be let in (hooks were not asked)`,
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
