import { asPlan } from './answers.ts'
import { Unreachable } from './client.ts'
import { isDenial, note, print, refused, unreadable, type Context } from './context.ts'
import { exits } from './io.ts'
import { renderPlan } from './render-plan.ts'
import { readRequestInput, type InputOptions } from './request-input.ts'
import { visible } from './text.ts'

export type PlanOptions = InputOptions & { readonly exitCode?: boolean; readonly files?: boolean }

/** With --exit-code 1 means changes and nothing else; git, whose convention this is, has 128 for what goes wrong. */
const DIFFERENT = 1
const WRONG = 128

/** `purser plan`: what a request would do. Nothing is stored. */
export async function plan(context: Context, words: readonly string[], options: PlanOptions): Promise<number> {
  if (options.exitCode !== true) return (await showPlan(context, words, options)).exit
  try {
    const { exit, different } = await showPlan(context, words, options)
    if (exit === exits.reached && different) return DIFFERENT
    return exit === exits.refused ? WRONG : exit
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error
    note(context, visible(error.message))
    return WRONG
  }
}

type Shown = { readonly exit: number; readonly different: boolean }

async function showPlan(context: Context, words: readonly string[], options: PlanOptions): Promise<Shown> {
  const input = await readRequestInput(words, options, context.io)
  if (!input.ok) return { exit: unreadable(context, input.problem), different: false }

  const answer = await context.call({ method: 'POST', path: '/v1/plans', body: input.value, repeatable: true })

  if (!answer.ok) return { exit: await refused(context, answer.refusal), different: false }
  const planned = asPlan(answer.body)
  await print(context, planned, (shown, view) => renderPlan(shown, options.files === true, view))
  const denied = planned.decision.outcome === 'denied' || isDenial(planned.problem?.code)
  return { exit: denied ? exits.denied : exits.reached, different: planned.plan.files.length > 0 }
}
