import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { tags } from './operation.ts'
import { components } from './schemas/components.ts'
import { idOf } from './schemas/component.ts'
import { docsPolicy } from './security-headers.ts'
import { shareRepeated } from './share-repeated.ts'

const description = `Teams ask for infrastructure; policy and budget answer at once; one request becomes one commit.

Everything below /v1 needs \`Authorization: Bearer <token>\`. Refusals are problem documents (RFC 9457): branch on \`code\`,
show \`message\`. Lists have \`first\` and \`after\`. A request that is sent again with the same \`Idempotency-Key\` is the same request.
Every answer says how far the caller is from its limit, in \`RateLimit\` and \`RateLimit-Policy\`; a 429 also in \`Retry-After\`.
What the caller may do, \`GET /v1/me/permissions\` tells.`

/** OpenAPI 3.1 from the routes' own schemas. Must be registered before the first route. */
export async function describeApi(app: FastifyInstance, version: string): Promise<void> {
  for (const schema of components) app.addSchema(schema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Purser', version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
      servers: [{ url: '/', description: 'This server' }],
      tags: Object.entries(tags).map(([name, text]) => ({ name, description: text })),
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'A token of Purser: `psr_…`.' } } },
      security: [{ bearer: [] }],
    },
    convertConstToEnum: false,
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => (typeof json.$id === 'string' ? json.$id : `def-${index}`) },
    transform: ({ schema, url }) => ({ schema: nameBody(schema), url }),
    transformObject: (made) => ('openapiObject' in made ? shareRepeated(made.openapiObject) : made.swaggerObject),
  })
}

/** A body that has a name is referred to, as answers are. */
function nameBody(schema: FastifySchema | undefined): FastifySchema {
  const id = idOf(schema?.body)
  return id === null ? (schema ?? { hide: true }) : { ...schema, body: { $ref: `${id}#` } }
}

/** The document itself, and a page that shows it; both without a word to any other host. */
export async function serveDescription(app: FastifyInstance): Promise<void> {
  app.get('/openapi.json', { schema: { hide: true }, config: { offers: [] } }, async (_request, reply) => reply.send(app.swagger()))
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: docsPolicy,
    theme: { title: 'Purser API' },
    uiConfig: {
      layout: 'BaseLayout',
      docExpansion: 'list',
      displayRequestDuration: true,
      tryItOutEnabled: false,
      persistAuthorization: false,
    },
  })
}
