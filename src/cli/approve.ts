import { createInterface } from 'node:readline/promises'
import { asRequest } from './answers.ts'
import { note, print, refused, type Context } from './context.ts'
import { exits } from './io.ts'
import { renderDiff } from './render-plan.ts'
import { renderProgress, renderRequest } from './render-request.ts'
import { visible } from './text.ts'

export type ApproveOptions = { readonly digest?: string; readonly comment?: string }

/**
 * `purser approve`: what you saw is what you get. The vote always names a digest: the one given, or the one of the plan
 * that was shown and confirmed here; never one that nobody has looked at.
 */
export async function approve(context: Context, id: string, options: ApproveOptions): Promise<number> {
  const seen = options.digest === undefined ? await showAndAsk(context, id) : { digest: options.digest }
  if (!('digest' in seen)) return seen.exit

  const answer = await context.call({
    method: 'POST',
    path: `/v1/requests/${encodeURIComponent(id)}/approve`,
    body: { planDigest: seen.digest, ...(options.comment === undefined ? {} : { comment: options.comment }) },
    repeatable: true, // The same vote again is the same vote.
  })

  if (!answer.ok) return await refused(context, answer.refusal)
  await print(context, asRequest(answer.body), (request, view) => renderProgress(request, view))
  return exits.reached
}

type Seen = { readonly digest: string } | { readonly exit: number }

async function showAndAsk(context: Context, id: string): Promise<Seen> {
  const { io } = context
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true) {
    note(
      context,
      `There is nobody to ask here. Look at it (purser requests ${visible(id)} --diff), then name the plan that you approve: --digest sha256:…`,
    )
    return { exit: exits.usage }
  }
  const path = `/v1/requests/${encodeURIComponent(id)}`
  const read = await context.call({ method: 'GET', path, repeatable: true })
  if (!read.ok) return { exit: await refused(context, read.refusal) }
  const request = asRequest(read.body)
  const diff = await context.call({ method: 'GET', path: `${path}/diff`, repeatable: true, answer: 'text' })
  if (!diff.ok) return { exit: await refused(context, diff.refusal) }

  // On standard error, like the question: standard output is for the answer.
  note(context, renderRequest(visible(request), context.errorView))
  note(context, `\n${renderDiff(visible(String(diff.body)).trimEnd(), context.errorView)}\n`)
  if (request.state !== 'pending_approval') {
    note(context, `It is ${request.state}: there is nothing to approve.`)
    return { exit: exits.refused }
  }
  if (await confirm(context, 'Approve exactly this? [y/N] ')) return { digest: request.plan.digest }
  note(context, 'Not approved.')
  return { exit: exits.refused }
}

async function confirm({ io }: Context, question: string): Promise<boolean> {
  io.stderr.write(question)
  const lines = createInterface({ input: io.stdin })
  try {
    for await (const line of lines) return /^(?:y|yes)$/i.test(line.trim())
    return false
  } finally {
    lines.close()
  }
}
