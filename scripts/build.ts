/** Bundles the command, and the page that it serves, into dist/ or the folder that is named. */
import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { buildGraphiql } from './build-graphiql.ts'
import { bundle } from './bundle.ts'

const outdir = process.argv[2] ?? 'dist'
await rm(outdir, { recursive: true, force: true })
const page = buildGraphiql(join(outdir, 'graphiql'))
page.catch(() => undefined)
await bundle(outdir)
await page
await chmod(join(outdir, 'main.js'), 0o755)
