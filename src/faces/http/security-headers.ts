import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

/** For the page at /docs: its scripts and styles come from here; swagger-ui sets style attributes and has pictures in its style sheet. */
export const docsPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** What browsers must not do with answers. Nothing here is a page but /docs, and nothing of it is for pages of other origins (no CORS). */
export async function hardenHeaders(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    // Whoever terminates TLS in front of Purser decides that for the whole host.
    strictTransportSecurity: false,
  })
}
