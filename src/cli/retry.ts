import type { Context } from './context.ts'
import { clock } from './io.ts'
import { follow, submit, type FollowOptions } from './request.ts'

export type RetryOptions = FollowOptions

/** `purser retry`: the same changes as a new request, planned and decided afresh. */
export async function retry(context: Context, id: string, options: RetryOptions): Promise<number> {
  const deadline = clock(context.io) + options.timeout
  const answer = await submit(context, `/v1/requests/${encodeURIComponent(id)}/retry`, undefined, options)
  return await follow(context, answer, options, deadline)
}
