import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { bundle } from '../../scripts/bundle.ts'
import type { DeliveryStep } from '../../src/operations/deliver-turn.ts'
import type { TestDatabase } from './database.ts'

/** A real `purser work`, in a process of its own. */
export type WorkProcess = {
  readonly pid: number
  readonly stderr: () => string
  /** It says that it is working; until then a signal ends it like any program. */
  readonly ready: Promise<void>
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  kill(signal: NodeJS.Signals): void
}

export type WorkOptions = {
  readonly urls: TestDatabase
  /** PURSER_DATA. */
  readonly data: string
  /** Kills itself at this step. */
  readonly fault?: DeliveryStep
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Starts workers, and kills at the end of the file those that still run. Call it at the top of the file. The source is
 * bundled once: from there a start takes a quarter of a second, where each one through a loader takes two.
 */
export async function openWorkers(): Promise<(options: WorkOptions) => WorkProcess> {
  const root = join(import.meta.dirname, '../..')
  // Where the packages are found that stay outside of a bundle.
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
  const bundled = mkdtempSync(join(root, 'node_modules/.cache/purser-'))
  const running = new Set<ChildProcess>()
  afterAll(async () => {
    const ends = [...running].map((child) => once(child, 'close'))
    for (const child of running) child.kill('SIGKILL')
    await Promise.all(ends)
    rmSync(bundled, { recursive: true, force: true })
  })
  await bundle(bundled)
  return ({ urls, data, fault, env = {} }) => {
    const { PATH = '', HOME = '' } = process.env
    const child = spawn(process.execPath, [join(bundled, 'main.js'), 'work'], {
      cwd: root,
      env: {
        PATH,
        HOME,
        LOG_LEVEL: 'warn',
        PURSER_DATA: data,
        DATABASE_URL: urls.appUrl,
        DATABASE_MIGRATE_URL: urls.ownerUrl,
        ...(fault === undefined ? {} : { PURSER_FAULT: fault }),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.add(child)
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += String(chunk)))
    const ready = once(child.stdout, 'data').then(() => undefined)
    const ended = new Promise<Awaited<WorkProcess['ended']>>((resolve) => {
      child.once('close', (code, signal) => {
        running.delete(child)
        resolve({ code, signal })
      })
    })
    return { pid: child.pid ?? 0, stderr: () => stderr, ready, ended, kill: (signal) => void child.kill(signal) }
  }
}
