import type { FastifyReply, FastifyRequest } from 'fastify'
import type { JsonObject } from '../../../core/json.ts'
import type { ProblemCode } from '../../../core/problem.ts'
import { cancelRequest } from '../../../operations/cancel-request.ts'
import type { Context } from '../../../operations/context.ts'
import { approveRequest, rejectRequest } from '../../../operations/decide-request.ts'
import { approval, rejection, requestInput } from '../../../operations/request-input.ts'
import { retryRequest } from '../../../operations/retry-request.ts'
import { submitRequest, type Submitted } from '../../../operations/submit-request.ts'
import { waitForRequest } from '../../../operations/wait-for-request.ts'
import { goneSignal, sendThing, sendValue } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import type { HttpApp } from '../http-app.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { refuseContent } from '../judge.ts'
import { bodyRefusals, operation } from '../operation.ts'
import { parseWait } from '../prefer.ts'
import { sendProblem } from '../problems.ts'
import { idPath } from '../schemas/path.ts'
import { requestSchema } from '../schemas/request.ts'
import { planRefusals } from './plans.ts'

/** Asking, and what is done to a request afterwards. `stopping`: nobody is kept waiting by a process that is about to end. */
export function requestActionRoutes(app: HttpApp, context: Context, stopping: AbortSignal): void {
  submitRoute(app, context, stopping)
  retryRoute(app, context, stopping)
  decisionRoutes(app, context)

  const cancel = {
    ...operation({
      id: 'cancelRequest',
      tag: 'Requests',
      summary: 'Cancel a request',
      description: 'One’s own, or as an owner of the team; until its delivery has begun. What was reserved is free again.',
      answers: { 200: { description: 'The request, cancelled.', schema: requestSchema } },
      refuses: ['not-found', 'wrong-state', ...bodyRefusals],
    }),
    params: idPath('req'),
  }
  app.post('/requests/:id/cancel', { schema: cancel, preValidation: refuseContent }, async (request, reply) =>
    sendThing(request, reply, await cancelRequest(context, callerOf(request), request.params.id)),
  )
}

/** How a request is asked for, and answered once it is admitted. */
const admission = {
  headers: {
    'Idempotency-Key': 'The same key is the same request: sending it again answers what was answered first.',
    Prefer: '`wait=10` waits that many seconds, at most 30, until the request is not `queued` any more.',
  },
  answers: {
    202: {
      description: 'The request.',
      schema: requestSchema,
      headers: {
        Location: 'Where it is.',
        'Preference-Applied': 'The wait that was granted.',
        'Idempotency-Replayed': '`true` where this was answered before.',
      },
    },
  },
} as const

function submitRoute(app: HttpApp, context: Context, stopping: AbortSignal): void {
  const submit = {
    ...operation({
      id: 'submitRequest',
      tag: 'Requests',
      summary: 'Ask for something',
      description:
        'Planned, decided and reserved at once; then it is queued for its commit, or waits for approvals. A denial by policy or budget is recorded, and answered as a problem with the `requestId` of the record.',
      ...admission,
      refuses: [...planRefusals, 'policy-denied', 'budget-exceeded', 'idempotency-key-reused'],
    }),
    body: requestInput,
  }
  app.post('/requests', { schema: submit }, async (request, reply) => {
    const key = parseIdempotencyKey(request.headers['idempotency-key'])
    if (!key.ok) return sendProblem(reply, key.problem)
    return sendAdmitted(context, request, reply, await submitRequest(context, callerOf(request), request.body, key.value), stopping)
  })
}

function retryRoute(app: HttpApp, context: Context, stopping: AbortSignal): void {
  const retry = {
    ...operation({
      id: 'retryRequest',
      tag: 'Requests',
      summary: 'Try a request again',
      description:
        'Of a request that failed, expired or was rejected: a new one for the same changes, with `retryOf`, planned and decided afresh. One’s own, or as an owner of the team.',
      ...admission,
      refuses: [
        'not-found',
        'wrong-state',
        // It names no digest that could have changed.
        ...planRefusals.filter((code) => code !== 'plan-changed'),
        'policy-denied',
        'budget-exceeded',
        'idempotency-key-reused',
      ],
    }),
    params: idPath('req'),
  }
  app.post('/requests/:id/retry', { schema: retry, preValidation: refuseContent }, async (request, reply) => {
    const key = parseIdempotencyKey(request.headers['idempotency-key'])
    if (!key.ok) return sendProblem(reply, key.problem)
    return sendAdmitted(context, request, reply, await retryRequest(context, callerOf(request), request.params.id, key.value), stopping)
  })
}

async function sendAdmitted(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  { answer, replayed }: Submitted,
  stopping: AbortSignal,
): Promise<FastifyReply> {
  if (replayed) reply.header('idempotency-replayed', 'true')
  if (!answer.ok) return sendProblem(reply, answer.problem)
  reply.code(202).header('location', `/v1/requests/${idOf(answer.value)}`)
  // A replay repeats the answer at admission, so it does not wait.
  const shown = replayed ? answer.value : await waitIfPreferred(context, request, reply, answer.value, stopping)
  return sendValue(request, reply, { ok: true, value: shown })
}

/** The request once it has moved on; as it was admitted where nobody wants to wait, or looking again fails: admitted it is. */
async function waitIfPreferred(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  admitted: JsonObject,
  stopping: AbortSignal,
): Promise<JsonObject> {
  const seconds = parseWait(request.headers['prefer'])
  if (seconds === null) return admitted
  reply.header('preference-applied', `wait=${seconds}`)
  try {
    const signal = AbortSignal.any([goneSignal(reply), stopping])
    const later = await waitForRequest(context, callerOf(request), idOf(admitted), seconds, signal)
    return later.ok ? later.value : admitted
  } catch (err) {
    request.log.warn({ err }, 'a request was admitted and could not be watched')
    return admitted
  }
}

function idOf({ id }: JsonObject): string {
  if (typeof id !== 'string') throw new Error('a request without an id')
  return id
}

function decisionRoutes(app: HttpApp, context: Context): void {
  const decided: readonly ProblemCode[] = ['not-found', 'own-request', 'wrong-state', ...bodyRefusals]
  const approve = {
    ...operation({
      id: 'approveRequest',
      tag: 'Requests',
      summary: 'Approve a request',
      description:
        'A yes to exactly this plan, for every requirement that the caller satisfies. Once all have theirs, the request is queued. The same vote again changes nothing.',
      answers: { 200: { description: 'The request.', schema: requestSchema } },
      refuses: [...decided, 'plan-changed'],
    }),
    params: idPath('req'),
    body: approval,
  }
  app.post('/requests/:id/approve', { schema: approve }, async (request, reply) =>
    sendThing(request, reply, await approveRequest(context, callerOf(request), request.params.id, request.body)),
  )

  const reject = {
    ...operation({
      id: 'rejectRequest',
      tag: 'Requests',
      summary: 'Reject a request',
      description: 'One no is enough. The requester cancels instead.',
      answers: { 200: { description: 'The request, rejected.', schema: requestSchema } },
      refuses: decided,
    }),
    params: idPath('req'),
    body: rejection,
  }
  app.post('/requests/:id/reject', { schema: reject }, async (request, reply) =>
    sendThing(request, reply, await rejectRequest(context, callerOf(request), request.params.id, request.body)),
  )
}
