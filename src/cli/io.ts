/**
 * What the command touches of the world, handed in by `main`, so that a test can be the world. The process's own streams
 * fit as they are: `{ env: process.env, stdin: process.stdin, stdout: process.stdout, stderr: process.stderr }`.
 */
export type Io = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined }
  readonly stdout: Sink
  readonly stderr: Sink
  /** Milliseconds since the epoch and waiting; the machine's clock unless a test brings its own. */
  readonly now?: () => number
  readonly pause?: (ms: number) => Promise<void>
  /** Calls `stop` at Ctrl-C instead of ending at once, until what comes back is called. */
  readonly onInterrupt?: (stop: () => void) => () => void
}

export type Sink = {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** Exit codes; part of the contract, so pipelines may branch on them. */
export const exits = { reached: 0, refused: 1, usage: 2, denied: 3, ended: 4, failed: 5, timedOut: 6 } as const

export function clock(io: Io): number {
  return io.now === undefined ? Date.now() : io.now()
}

export async function pause(io: Io, ms: number): Promise<void> {
  await (io.pause === undefined ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : io.pause(ms))
}

/** Everything on standard input, refused past `limitBytes`. */
export async function readStdin(io: Io, limitBytes: number): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of io.stdin) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    size += bytes.length
    if (size > limitBytes) return null
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}
