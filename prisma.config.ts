import { defineConfig } from 'prisma/config'

// `prisma generate` wants a schema engine to be there, and downloads one, although it never runs it: any file will do, so
// the client is made without a network. `prisma migrate deploy` really needs the engine and gets to fetch its own.
if (process.argv.includes('generate')) process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath

const url = process.env.DATABASE_MIGRATE_URL ?? process.env.DATABASE_URL

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(url === undefined ? {} : { datasource: { url } }),
})
