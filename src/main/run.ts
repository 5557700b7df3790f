import { loadConfig, type Config } from '../config.ts'
import { createLifecycle, type Lifecycle } from './lifecycle.ts'
import { createLog, type Log } from './log.ts'

export type Process = { readonly config: Config; readonly log: Log; readonly lifecycle: Lifecycle }

/**
 * The frame of every command of a server: configuration or every reason why not, then `start`, then waiting for the end.
 * What `start` registered is stopped in any case, also when it fails half-way.
 */
export async function runServer(name: string, start: (process: Process) => Promise<void>): Promise<number> {
  const config = configOrExplain()
  if (config === null) return 2
  const log = createLog(config.logLevel)
  for (const notice of config.notices) log.warn({ notice }, 'an environment variable has no effect')
  const lifecycle = createLifecycle(log)
  process.on('unhandledRejection', (reason) => lifecycle.fail('a bug: a promise nobody waited for', reason))
  process.on('uncaughtException', (error) => lifecycle.fail('a bug: an error nobody caught', error))
  const started = start({ config, log, lifecycle })
  lifecycle.starting(started)
  try {
    await started
  } catch (error) {
    if (!lifecycle.stopping.aborted) process.stderr.write(`purser: ${error instanceof Error ? error.message : String(error)}\n`)
    lifecycle.fail(`${name} cannot go on`, error)
  }
  const code = await lifecycle.finished
  // A handle that somebody forgot must not keep a stopped process alive.
  process.exit(code)
}

/** The configuration, or null after every reason was printed. */
export function configOrExplain(): Config | null {
  const config = loadConfig()
  if (config.ok) return config.value
  process.stderr.write(`${config.problem.map((error) => `purser: ${error}`).join('\n')}\n`)
  return null
}

/** Options of a server's command; anything that it does not know is refused with exit code 2. */
export function readFlags(command: string, args: readonly string[], known: readonly string[]): ReadonlySet<string> | null {
  const unknown = args.filter((arg) => !known.includes(arg))
  if (unknown.length === 0) return new Set(args)
  process.stderr.write(
    `purser: ${command} does not know ${unknown.map((arg) => JSON.stringify(arg)).join(', ')}${known.length === 0 ? '' : `; it takes ${known.join(', ')}`}\n`,
  )
  return null
}
