import { asRequest } from './answers.ts'
import { print, refused, type Context } from './context.ts'
import { exits } from './io.ts'
import { renderProgress } from './render-request.ts'

export type RejectOptions = { readonly comment: string }

/** `purser reject`: one no is enough, and says why. */
export async function reject(context: Context, id: string, options: RejectOptions): Promise<number> {
  const answer = await context.call({
    method: 'POST',
    path: `/v1/requests/${encodeURIComponent(id)}/reject`,
    body: { comment: options.comment },
    repeatable: false,
  })
  if (!answer.ok) return await refused(context, answer.refusal)
  await print(context, asRequest(answer.body), (request, view) => renderProgress(request, view))
  return exits.reached
}
