import type { FastifyRequest } from 'fastify'
import type { HttpApp } from '../http-app.ts'
import { openOperation } from '../operation.ts'
import { sendProblem } from '../problems.ts'
import { signInSchema } from '../schemas/sign-in.ts'

/** Where people sign in, and what a client has to ask for there. */
export type SignIn = {
  readonly issuers: readonly string[]
  readonly audience: string
  readonly clientId: string
  readonly scopes: readonly string[]
}

const PATH = '/.well-known/oauth-protected-resource'

/**
 * RFC 9728: whoever has no token, or a wrong one, learns where to get one. Open to everybody; a server without issuers has
 * nothing of the kind.
 */
export function signInRoutes(app: HttpApp, signIn: SignIn | null): void {
  const schema = openOperation({
    id: 'readSignIn',
    tag: 'Caller',
    summary: 'Where do people sign in?',
    description: 'Protected resource metadata (RFC 9728), which `purser login` reads. A server without OIDC has none.',
    answers: { 200: { description: 'Issuers, and what to ask them for.', schema: signInSchema } },
    refuses: ['not-found'],
  })
  app.get(PATH, { schema }, async (request, reply) => {
    const base = addressOf(request)
    if (signIn === null || base === null) return sendProblem(reply, { code: 'not-found' })
    return reply
      .header('cache-control', 'public, max-age=300')
      .header('vary', 'Host, X-Forwarded-Proto')
      .send({
        resource: base,
        authorization_servers: signIn.issuers,
        scopes_supported: signIn.scopes,
        bearer_methods_supported: ['header'],
        resource_name: 'Purser',
        purser_client_id: signIn.clientId,
        purser_audience: signIn.audience,
      })
  })
  if (signIn === null) return
  app.addHook('onSend', (request, reply, _payload, done) => {
    const challenge = reply.getHeader('www-authenticate')
    const base = addressOf(request)
    if (reply.statusCode === 401 && typeof challenge === 'string' && base !== null) {
      // The first parameter follows the scheme, others a comma.
      reply.header('www-authenticate', `${challenge}${challenge === 'Bearer' ? '' : ','} resource_metadata="${base}${PATH}"`)
    }
    done()
  })
}

/**
 * The server as it was addressed. Only whoever sent these headers reads what follows from them, and a cache keeps it for
 * the same headers alone, so that nothing is won by lying. Null without a host that could be one.
 */
function addressOf({ headers }: Pick<FastifyRequest, 'headers'>): string | null {
  const { host = '' } = headers
  if (!/^(?:[0-9A-Za-z._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/.test(host)) return null
  // Whoever ends TLS before this server says so in this header, which many of them set and nobody else has a use for.
  return `${headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'}://${host}`
}
