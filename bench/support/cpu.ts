import { readdirSync, readFileSync } from 'node:fs'

export type Cpu = { readonly node: number; readonly git: number; readonly postgres: number }

/** CPU so far, ms: of this process, of what it started and has ended, and of what runs below it. Linux only. */
export function readCpu(): Cpu {
  const { user, system } = process.cpuUsage()
  const own = readStat('self')
  if (own === null) return { node: (user + system) / 1000, git: NaN, postgres: NaN }
  const below = new Set([process.pid])
  let postgres = 0
  // A process has a higher number than who started it, but for once in 32,768 starts.
  for (const pid of readdirSync('/proc')
    .map(Number)
    .toSorted((a, b) => a - b)) {
    const stat = pid > 0 ? readStat(`${pid}`) : null
    if (stat === null || !below.has(stat.parent)) continue
    below.add(pid)
    postgres += stat.ms
  }
  return { node: (user + system) / 1000, git: own.endedMs, postgres }
}

/** CPU of one process so far, ms. Linux only. */
export function cpuOf(pid: number): number {
  return readStat(`${pid}`)?.ms ?? NaN
}

/** `/proc/<pid>/stat` counts in hundredths of a second. */
function readStat(pid: string): { readonly parent: number; readonly ms: number; readonly endedMs: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const at = (index: number) => fields[index] ?? 0
    return { parent: at(1), ms: (at(11) + at(12)) * 10, endedMs: (at(13) + at(14)) * 10 }
  } catch {
    return null
  }
}
