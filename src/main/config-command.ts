import { presentConfig } from '../config.ts'
import { configOrExplain, readFlags } from './run.ts'

/** `purser config`: what is in force, secrets masked; or everything that is wrong. */
export function configCommand(args: readonly string[]): number {
  if (readFlags('config', args, []) === null) return 2
  const config = configOrExplain()
  if (config === null) return 2
  process.stdout.write(presentConfig(config))
  for (const notice of config.notices) process.stderr.write(`purser: ${notice}\n`)
  return 0
}
