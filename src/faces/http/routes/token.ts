import type { FastifyReply, FastifyRequest } from 'fastify'
import { problemDocument, type Problem } from '../../../core/problem.ts'
import type { Context } from '../../../operations/context.ts'
import { exchangeToken } from '../../../operations/exchange-token.ts'
import { countAddresses, type Gate } from '../gate.ts'
import type { HttpApp } from '../http-app.ts'
import { judgeLater } from '../judge.ts'
import { openOperation } from '../operation.ts'
import { refusalOf } from '../problems.ts'
import { exchanged, exchangeInput, oauthError } from '../schemas/token.ts'

const formType = 'application/x-www-form-urlencoded'
/** A job's token and what goes with it. */
const MAX_FORM_BYTES = 16 * 1024

/** Open to everybody: the token that is shown says who it is. Its refusals have the form of OAuth, whose clients read them. */
export async function tokenRoutes(app: HttpApp, context: Context, gate: Gate): Promise<void> {
  countAddresses(app, gate)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(formType, { parseAs: 'string' }, async (_request: unknown, text: string) => new URLSearchParams(text))
  app.setErrorHandler(answerOauthError)
  const schema = {
    ...openOperation({
      id: 'exchangeToken',
      tag: 'Caller',
      summary: "Exchange a CI job's token",
      description:
        "Token exchange (RFC 8693): the OIDC token of a CI job for a short-lived one of Purser's own, by the Trust documents. Each is taken once.",
      answers: {
        200: { description: 'What to show from now on.', schema: exchanged, headers: { 'Cache-Control': 'no-store' } },
        400: { description: 'It is not taken.', schema: oauthError },
        413: { description: 'The form is larger than 16 KiB.', schema: oauthError },
        429: { description: 'Too many, or too many that were not taken.', schema: oauthError, headers: { 'Retry-After': 'Seconds.' } },
        500: { description: 'A bug.', schema: oauthError },
        503: {
          description: 'Not at the moment: the issuer is away, or there is no key to sign with.',
          schema: oauthError,
          headers: { 'Retry-After': 'Seconds.' },
        },
      },
      accepts: [formType],
    }),
    body: exchangeInput,
  }
  app.post('/token', { schema, bodyLimit: MAX_FORM_BYTES, validatorCompiler: judgeLater }, async (request, reply) => {
    const form: unknown = request.body
    const done = await exchangeToken(context, form instanceof URLSearchParams ? form : new URLSearchParams())
    if (!done.ok) {
      const { error, description, retryAfterS, failedAuthentication } = done.problem
      const slowed = failedAuthentication ? gate.failed(request.raw, 'job-token') : null
      if (slowed !== null) throw slowed
      return sendOauthError(reply, retryAfterS === null ? 400 : 503, error, description, retryAfterS)
    }
    const { accessToken, issuedTokenType, expiresInS, scopes } = done.value
    return secret(reply).send({
      access_token: accessToken,
      issued_token_type: issuedTokenType,
      token_type: 'Bearer',
      expires_in: expiresInS,
      scope: scopes.join(' '),
    })
  })
}

/** RFC 6749, section 5.1. */
function secret(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
}

function sendOauthError(reply: FastifyReply, status: number, error: string, description: string, retryAfterS: number | null): FastifyReply {
  if (retryAfterS !== null) reply.header('retry-after', String(retryAfterS))
  return secret(reply).code(status).send({ error, error_description: description })
}

function detailOf(problem: Problem): string {
  return problemDocument(problem).detail ?? ''
}

/** What was refused before there was a form, and what went wrong. */
function answerOauthError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { problem, headers } = refusalOf(error, request)
  if (problem.code === 'rate-limited') {
    reply.headers(headers)
    return sendOauthError(reply, 429, 'temporarily_unavailable', detailOf(problem), problem.retryAfterS)
  }
  if (problem.code === 'unavailable') return sendOauthError(reply, 503, 'temporarily_unavailable', problem.detail, problem.retryAfterS)
  if (problem.code === 'internal') return sendOauthError(reply, 500, 'server_error', 'Something went wrong that nobody foresaw.', null)
  if (problem.code === 'too-large') return sendOauthError(reply, 413, 'invalid_request', 'The form is larger than 16 KiB.', null)
  return sendOauthError(reply, 400, 'invalid_request', `The body is a form: ${formType}.`, null)
}
