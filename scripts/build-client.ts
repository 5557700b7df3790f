import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const folder = 'src/client'
const tsc = 'node_modules/typescript/bin/tsc'

/** The client as one module without imports, for Node and browsers, and its types. */
export async function buildClient(outdir: string): Promise<void> {
  await Promise.all([
    build({
      entryPoints: [join(folder, 'client.ts')],
      outdir,
      bundle: true,
      platform: 'neutral',
      mainFields: ['module', 'main'],
      format: 'esm',
      target: ['node20.19', 'es2022'],
      sourcemap: 'linked',
      sourcesContent: false,
      legalComments: 'none',
      logLevel: 'warning',
    }),
    buildTypes(outdir),
  ])
}

async function buildTypes(outdir: string): Promise<void> {
  await promisify(execFile)(process.execPath, [
    tsc,
    '-p',
    folder,
    '--noEmit',
    'false',
    '--declaration',
    '--emitDeclarationOnly',
    '--outDir',
    outdir,
  ])
  const files = await readdir(outdir, { recursive: true })
  await Promise.all(
    files
      .filter((name) => name.endsWith('.d.ts'))
      .map(async (name) => {
        // The compiler leaves the names of sources in what it declares, and not every resolver takes those for declarations.
        const text = await readFile(join(outdir, name), 'utf8')
        await writeFile(
          join(outdir, name),
          text.replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'").replaceAll(/(from "\.[^"]*)\.ts"/g, '$1.js"'),
        )
      }),
  )
}
