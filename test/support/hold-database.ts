/** A process of its own that runs the embedded database on the folder it is given, until it is killed. */
import { startEmbeddedPostgres, SUPERUSER } from '../../src/adapters/embedded-postgres/start.ts'

const server = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '' })
process.stdout.write(`${server.url(SUPERUSER, 'postgres')}\n`)
await server.exited
