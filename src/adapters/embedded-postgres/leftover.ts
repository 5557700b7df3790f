import { execFile } from 'node:child_process'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Places } from './places.ts'

const run = promisify(execFile)

type Process = { readonly pid: number; readonly command: string }

/** SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one (the next start recovers from the log). */
const escalation = [
  { signal: 'SIGINT', afterMs: 0 },
  { signal: 'SIGQUIT', afterMs: 15_000 },
  { signal: 'SIGKILL', afterMs: 20_000 },
] as const
const GIVE_UP_MS = 25_000

/**
 * Ends what an earlier, killed process left running on this data, and waits until it is gone: usually the kernel has told
 * it to shut down already and this only waits. Processes are found by the cluster's name in their titles, which no other
 * process has: a process id from postmaster.pid alone may belong to anybody by now. The caller holds the data lock, so
 * whatever is found has no owner.
 *
 * Once none is left, postmaster.pid is removed. PostgreSQL ignores a stale one only while no other process of the same
 * user has that id, which after a container's restart is likely.
 */
export async function endLeftover(places: Places, onFound: (pids: readonly number[]) => void): Promise<void> {
  const began = Date.now()
  let step = 0
  for (;;) {
    const left = await processesOf(places.name)
    if (left.length === 0) break
    if (step === 0) onFound(left.map((p) => p.pid))
    const waited = Date.now() - began
    if (waited > GIVE_UP_MS) throw new Error(`A PostgreSQL of an earlier run (process ${left[0]?.pid}) cannot be stopped. Stop it by hand.`)
    const due = escalation[step]
    if (due !== undefined && waited >= due.afterMs) {
      for (const { pid, command } of left) {
        // Only the postmaster understands SIGINT as a shutdown; to its children it would be "cancel the query".
        if (due.signal !== 'SIGINT' || command.includes('cluster_name=')) signal(pid, due.signal)
      }
      step += 1
    }
    await delay(20)
  }
  await rm(join(places.cluster, 'postmaster.pid'), { force: true })
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already, or another user's: the wait that follows tells which.
  }
}

async function processesOf(name: string): Promise<readonly Process[]> {
  const all = process.platform === 'linux' ? await readProc() : await readPs()
  return all.filter((p) => p.pid !== process.pid && p.command.includes(name) && p.command.includes('postgres'))
}

async function readProc(): Promise<readonly Process[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  // A process may end between the two reads; a zombie's command line is empty.
  return Promise.all(
    pids.map(async (pid) => ({ pid: Number(pid), command: await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '') })),
  )
}

async function readPs(): Promise<readonly Process[]> {
  const { stdout } = await run('ps', ['-axww', '-o', 'pid=,command='], { maxBuffer: 16 << 20 })
  return stdout.split('\n').map((line) => {
    const [pid = '', ...command] = line.trim().split(' ')
    return { pid: Number(pid), command: command.join(' ') }
  })
}
