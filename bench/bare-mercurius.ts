/** What mercurius itself leaves: a list of 50 and a nested object, both static, without a caller or a database. */
import Fastify from 'fastify'
import mercurius from 'mercurius'

const schema = `
  type Query { things: [Thing!]!, thing: Thing! }
  type Thing { id: ID!, name: String!, status: String!, createdAt: String!, cost: Cost!, team: Team!, blueprint: Blueprint!, files: [File!]! }
  type Cost { monthly: String!, currency: String! }
  type Team { name: String!, title: String! }
  type Blueprint { name: String!, version: String! }
  type File { path: String!, digest: String! }`

const things = Array.from({ length: 50 }, (_, i) => ({
  id: `res_${i}`,
  name: `thing-${i}`,
  status: 'ready',
  createdAt: '2026-11-24T09:30:00.000Z',
  cost: { monthly: '258.00', currency: 'EUR' },
  team: { name: 'payments', title: 'Payments' },
  blueprint: { name: 'postgres', version: '1.2.0' },
  files: [{ path: 'tenants/payments/prod/orders-db/00-secret.yaml', digest: `sha256:${'b'.repeat(64)}` }],
}))

const app = Fastify()
await app.register(mercurius, {
  schema,
  jit: 2,
  resolvers: {
    Query: { things: () => things, thing: () => things[0] },
    Thing: { team: ({ team }: { team: object }) => ({ ...team }) },
  },
})
await app.listen({ port: Number(process.env['PORT']), host: process.env['HOST'] ?? '127.0.0.1' })
process.on('SIGINT', () => void app.close())
console.log('ready')
