import { asPlan } from './answers.ts'
import { isDenial, print, refused, unreadable, type Context } from './context.ts'
import { exits } from './io.ts'
import { renderPlan } from './render-plan.ts'
import { readRequestInput, type InputOptions } from './request-input.ts'

export type PlanOptions = InputOptions & { readonly exitCode?: boolean; readonly files?: boolean }

/** With --exit-code 1 means changes and nothing else; git, whose convention this is, has 128 for what goes wrong. */
const DIFFERENT = 1
const WRONG = 128

/** `purser plan`: what a request would do. Nothing is stored. */
export async function plan(context: Context, words: readonly string[], options: PlanOptions): Promise<number> {
  const input = await readRequestInput(words, options, context.io)
  if (!input.ok) return unreadable(context, input.problem)

  const answer = await context.call({ method: 'POST', path: '/v1/plans', body: input.value, repeatable: true })

  if (!answer.ok) {
    const exit = await refused(context, answer.refusal)
    return options.exitCode === true && !isDenial(answer.refusal.problem.code) ? WRONG : exit
  }
  const planned = asPlan(answer.body)
  await print(context, planned, (shown, view) => renderPlan(shown, options.files === true, view))
  if (planned.decision.outcome === 'denied' || isDenial(planned.problem?.code)) return exits.denied
  return options.exitCode === true && planned.plan.files.length > 0 ? DIFFERENT : exits.reached
}
