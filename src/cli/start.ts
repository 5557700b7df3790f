import type { Context } from './context.ts'
import type { GlobalOptions } from './settings.ts'

/** What a command's module does; it is given the context that the global options and the environment make. */
export type Run = (context: Context) => Promise<number>

/** Runs a command, and ends with its exit code. */
export type Start = (options: GlobalOptions, run: Run) => Promise<void>

/** What `--help` lists them under. */
export const asking = 'Commands that ask a server:'

/** Of a command that has nothing to wait for and that policy has no say in. */
export const doneHelp = `Exit codes:
  0 done  1 refused  2 usage`

export const exitHelp = `Exit codes:
  0 reached  1 refused  2 usage  3 denied
  4 rejected, cancelled or expired  5 failed  6 timed out`
