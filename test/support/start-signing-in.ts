import { Readable } from 'node:stream'
import { runCli } from '../../src/cli/cli.ts'
import type { Io } from '../../src/cli/io.ts'

export type Ended = { readonly exit: number; readonly stdout: string; readonly stderr: string }
export type Running = {
  readonly ended: Promise<Ended>
  /** The first group of the pattern in what is said on standard error, as soon as it is there. */
  said(pattern: RegExp): Promise<string>
  /** Ctrl-C. */
  interrupt(): void
}
/** The command in this process, with real time, while somebody signs in. `laterMs`: how much later it is to it than it is. */
export function startSigningIn(line: string, env: Io['env'], laterMs = 0): Running {
  let [stdout, stderr] = ['', '']
  const stops = new Set<() => void>()
  const listeners = new Set<() => void>()
  const io: Io = {
    env,
    stdin: Readable.from([]),
    stdout: { write: (text) => (stdout += text) },
    stderr: {
      write(text) {
        stderr += text
        for (const look of listeners) look()
      },
    },
    now: () => Date.now() + laterMs,
    onInterrupt(stop) {
      stops.add(stop)
      return () => void stops.delete(stop)
    },
  }
  return {
    ended: runCli(line.split(' '), io).then((exit) => ({ exit, stdout, stderr })),
    said: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          const found = pattern.exec(stderr)?.[1]
          if (found !== undefined) resolve(found)
        }
        listeners.add(look)
        look()
      }),
    interrupt() {
      for (const stop of stops) stop()
    },
  }
}
