import type { components } from './generated/api.ts'

/** What the API calls things: `Schemas['Request']`, `Schemas['Plan']`, `Schemas['Event']`, … */
export type Schemas = components['schemas']
export type ProblemCode = Schemas['Problem']['code']

/** A refusal. Its message is for people, and a bot can post it as it is. */
export class PurserProblem extends Error {
  readonly status: number
  /** What to branch on; https://purser.dev/problems/<code> says more. */
  readonly code: ProblemCode
  readonly title: string
  /** All reasons at once. */
  readonly detail: string | null
  /** What is wrong with the input, each with a pointer into the body. */
  readonly errors: NonNullable<Schemas['Problem']['errors']>
  readonly violations: NonNullable<Schemas['Problem']['violations']>
  /** Of each budget that is short, how much is missing. */
  readonly budgets: NonNullable<Schemas['Problem']['budgets']>
  /** The recorded denial, or the request that is in the way. */
  readonly requestId: string | null
  /** The whole document. */
  readonly problem: Schemas['Problem']
  /** `X-Request-Id` of the answer, which stands in the server's log. */
  readonly correlationId: string | null
  constructor(problem: Schemas['Problem'], correlationId: string | null) {
    super(problem.message ?? problem.detail ?? problem.title)
    this.name = 'PurserProblem'
    this.status = problem.status
    this.code = problem.code
    this.title = problem.title
    this.detail = problem.detail ?? null
    this.errors = problem.errors ?? []
    this.violations = problem.violations ?? []
    this.budgets = problem.budgets ?? []
    this.requestId = problem.requestId ?? null
    this.problem = problem
    this.correlationId = correlationId
  }
}

/** No usable answer: nobody there, a connection lost, or something that is not Purser. */
export class PurserUnreachable extends Error {
  /** Whether the server may have taken the call although no answer came. */
  readonly maybeTaken: boolean
  constructor(message: string, maybeTaken: boolean, cause?: unknown) {
    super(message, { cause })
    this.name = 'PurserUnreachable'
    this.maybeTaken = maybeTaken
  }
}

/** It was waited for the commit of a request, and it ended without one. */
export class NotCommitted extends Error {
  readonly request: Schemas['Request']
  constructor(request: Schemas['Request']) {
    super(request.message)
    this.name = 'NotCommitted'
    this.request = request
  }
}

/** The time that was given is over, and the request is not where it was waited for. */
export class WaitedTooLong extends Error {
  readonly requestId: string
  constructor(requestId: string) {
    super(`${requestId} is not settled yet.`)
    this.name = 'WaitedTooLong'
    this.requestId = requestId
  }
}

/** What an answer that is not a success is thrown as. */
export function failureOf(response: Pick<Response, 'status' | 'headers'>, body: unknown): PurserProblem | PurserUnreachable {
  if (isProblem(body)) return new PurserProblem(body, response.headers.get('x-request-id'))
  const type = response.headers.get('content-type') ?? 'nothing'
  return new PurserUnreachable(`The answer is ${response.status} with ${type}, which is not how Purser answers.`, response.status >= 500)
}

/** Whether something is a problem document; what else it has is as the API says. */
export function isProblem(body: unknown): body is Schemas['Problem'] {
  if (typeof body !== 'object' || body === null) return false
  return 'code' in body && typeof body.code === 'string' && 'status' in body && typeof body.status === 'number' && 'title' in body
}
