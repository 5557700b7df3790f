import type { Json } from '../core/json.ts'
import { connect, type Client, type Refusal } from './client.ts'
import type { Unreadable } from './documents.ts'
import { exits, type Io } from './io.ts'
import type { Settings } from './settings.ts'
import { painter, visible, type View } from './text.ts'

/** What a command works with: whom it asks, and how it prints. */
export type Context = {
  readonly io: Io
  readonly settings: Settings
  readonly call: Client
  /** How to draw on standard output, and on standard error. */
  readonly view: View
  readonly errorView: View
}

export function openContext(settings: Settings, io: Io): Context {
  const colourOnStderr = settings.colour && io.stderr.isTTY === true
  return {
    io,
    settings,
    call: connect(settings, io),
    view: { paint: painter(settings.colour), width: settings.width },
    errorView: { paint: painter(colourOnStderr), width: io.stderr.isTTY === true ? Math.max(io.stderr.columns ?? 80, 40) : 120 },
  }
}

/**
 * An answer on standard output: as it came in JSON or YAML, or drawn. Only what is drawn for people has its control
 * characters made visible; JSON escapes them by itself, and a program wants them as they are.
 */
export async function print<T>(context: Context, answer: T, draw: (answer: T, view: View) => string): Promise<void> {
  const { io, settings, view } = context
  if (settings.format === 'table') io.stdout.write(`${draw(visible(answer), view)}\n`)
  else await printData(context, answer)
}

async function printData({ io, settings }: Context, answer: unknown): Promise<void> {
  if (settings.format === 'yaml') {
    const { emitYaml } = await import('../core/yaml.ts')
    const yaml = emitYaml(answer as Json) // It came from JSON.
    io.stdout.write(yaml.endsWith('\n') ? yaml : `${yaml}\n`)
  } else {
    io.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
  }
}

/** A line for people, on standard error. */
export function note(context: Context, text: string): void {
  context.io.stderr.write(`${text}\n`)
}

/**
 * A refusal: its reasons on standard error, or the problem document on standard output where a program reads.
 * Policy's and a budget's no has an exit code of its own.
 */
export async function refused(context: Context, refusal: Refusal, locate?: (pointer: string) => string): Promise<number> {
  if (context.settings.format === 'table') {
    const { renderProblem } = await import('./render-problem.ts')
    const { problem, correlationId, from } = visible(refusal)
    note(context, renderProblem({ problem, correlationId, from, ...(locate === undefined ? {} : { locate }) }, context.errorView))
  } else {
    await printData(context, refusal.problem)
  }
  return isDenial(refusal.problem.code) ? exits.denied : exits.refused
}

export function isDenial(code: unknown): boolean {
  return code === 'policy-denied' || code === 'budget-exceeded'
}

/** Input that could not be read. */
export function unreadable(context: Context, problem: Unreadable): number {
  for (const line of problem.lines) note(context, visible(line))
  return problem.exit
}
