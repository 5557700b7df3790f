import { asRequest } from './answers.ts'
import { print, refused, type Context } from './context.ts'
import { exits } from './io.ts'
import { renderProgress } from './render-request.ts'

/** `purser cancel`: takes a request back, as long as delivery has not begun. */
export async function cancel(context: Context, id: string): Promise<number> {
  const answer = await context.call({ method: 'POST', path: `/v1/requests/${encodeURIComponent(id)}/cancel`, repeatable: false })
  if (!answer.ok) return await refused(context, answer.refusal)
  await print(context, asRequest(answer.body), (request, view) => renderProgress(request, view))
  return exits.reached
}
