/**
 * Makes what is derived from something else: Prisma's client and the files listed here, which are committed, but for those of
 * the typed client. With `--check` nothing of them is written; one that is not up to date fails, and so does a GraphQL schema that breaks the
 * clients of the last release. A release writes down its schema with `--release`.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { JsonObject } from '../src/core/json.ts'
import { generateAccess } from './generate-access.ts'
import { generateClientRoutes, generateClientTypes } from './generate-client.ts'
import { breakingChanges, generateSdl, generateTypes, printRelease, releasedPath } from './generate-graphql.ts'

type Generated = { readonly path: string; readonly make: () => Promise<string> }

const generated: readonly Generated[] = [
  { path: 'docs/openapi.json', make: openapi },
  { path: 'docs/access.md', make: async () => generateAccess() },
  { path: 'src/faces/graphql/generated/sdl.ts', make: async () => generateSdl() },
  { path: 'src/faces/graphql/generated/types.ts', make: async () => generateTypes() },
  { path: 'src/client/generated/api.ts', make: async () => generateClientTypes(JSON.parse(await openapi()) as JsonObject) },
  { path: 'src/client/generated/routes.ts', make: async () => generateClientRoutes(JSON.parse(await openapi()) as JsonObject) },
]

/** Made once, and late: it needs Prisma's client, which a clean clone does not have yet. */
let described: Promise<string> | null = null
function openapi(): Promise<string> {
  described ??= import('./generate-openapi.ts').then(({ generateOpenapi }) => generateOpenapi())
  return described
}

// Prisma reports what it is doing on standard error, and an install is to be silent; what it says is in the error if it fails.
execFileSync('prisma', ['generate', '--no-hints'], { stdio: ['ignore', 'ignore', 'pipe'] })

if (process.argv.includes('--release')) await writeFile(releasedPath, printRelease())
const check = process.argv.includes('--check')
for (const { path, make } of generated) {
  const content = await make()
  const current = await readFile(path, 'utf8').catch(() => null)
  if (content === current) continue
  if (check) {
    console.error(`${path} is not up to date: npm run generate`)
    process.exitCode = 1
  } else {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
    // An install, which makes what is not committed, says nothing.
    if (current !== null) console.log(`${path} written`)
  }
}
for (const change of breakingChanges()) {
  console.error(`graphql: ${change} (against ${releasedPath})`)
  process.exitCode = 1
}
