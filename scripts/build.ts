/** Bundles the command, the page that it serves, and the client, into dist/ or the folder that is named. */
import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { buildClient } from './build-client.ts'
import { buildGraphiql } from './build-graphiql.ts'
import { bundle } from './bundle.ts'

const outdir = process.argv[2] ?? 'dist'
await rm(outdir, { recursive: true, force: true })
const page = buildGraphiql(join(outdir, 'graphiql'))
const client = buildClient(join(outdir, 'client'))
for (const build of [page, client]) build.catch(() => undefined)
await bundle(outdir)
await page
await client
await chmod(join(outdir, 'main.js'), 0o755)
