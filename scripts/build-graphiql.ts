import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { build, type BuildOptions, type Metafile } from 'esbuild'

const source = 'web/graphiql'

const workers = {
  editor: 'monaco-editor/esm/vs/editor/editor.worker.js',
  json: 'monaco-editor/esm/vs/language/json/json.worker.js',
  graphql: 'monaco-graphql/esm/graphql.worker.js',
}

/**
 * Bundles the GraphiQL page into a folder: the page, and beside it files whose names change with their content. All are
 * compressed here, once; a third of their bytes is in the package then, and nobody compresses them while somebody waits.
 */
export async function buildGraphiql(outdir: string): Promise<void> {
  await mkdir(outdir, { recursive: true })
  const common: BuildOptions = {
    outdir,
    bundle: true,
    minify: true,
    metafile: true,
    platform: 'browser',
    target: ['chrome110', 'firefox115', 'safari16'],
    // Of graphql's two forms everybody gets the same: a schema of another copy is none.
    resolveExtensions: ['.tsx', '.ts', '.mjs', '.js', '.css', '.json'],
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'warning',
  }
  const made = await build({ ...common, format: 'iife', metafile: true, entryPoints: Object.values(workers) })
  const names = Object.fromEntries(Object.entries(workers).map(([name, path]) => [name, outputOf(made.metafile, path).script]))
  const page = await build({
    ...common,
    metafile: true,
    format: 'esm',
    splitting: true,
    jsx: 'automatic',
    loader: { '.ttf': 'file' },
    // GraphiQL names the old forms of these, which give other things than the new ones that it means.
    alias: { 'prettier/parser-graphql': 'prettier/plugins/graphql', 'prettier/parser-babel': 'prettier/plugins/babel' },
    define: { ...common.define, WORKERS: JSON.stringify(names) },
    entryPoints: [join(source, 'page.tsx')],
  })
  const main = outputOf(page.metafile, 'page.tsx')
  // A style sheet of what is imported late is not asked for by anybody: the editor's, in which all others are, is in the page.
  const editor = outputOf(page.metafile, 'monaco-graphql/esm/monaco-editor.js')
  const sheets = [editor.sheet, main.sheet]
  const html = await readFile(join(source, 'index.html'), 'utf8')
  const links = sheets.map((sheet) => `<link rel="stylesheet" href="graphiql/${sheet}" />`)
  await writeFile(
    join(outdir, 'index.html'),
    html.replace('{{styles}}', links.join('\n    ')).replace('{{script}}', `graphiql/${main.script}`),
  )
  await writeFile(join(outdir, 'licenses.txt'), await licenses([made.metafile, page.metafile]))
  await Promise.all(
    (await readdir(outdir)).map(async (name) => {
      const file = join(outdir, name)
      if (!name.endsWith('.css') || sheets.includes(name))
        await writeFile(`${file}.gz`, await promisify(gzip)(await readFile(file), { level: 9 }))
      await rm(file)
    }),
  )
}

/** The files that were made of an entry, which may be one that is imported late. */
function outputOf({ outputs }: Metafile, entry: string): { readonly script: string; readonly sheet: string } {
  const found = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint?.endsWith(entry) === true)
  if (found === undefined) throw new Error(`${entry} was not built`)
  return { script: basename(found[0]), sheet: basename(found[1].cssBundle ?? '') }
}

/** The licences of all packages that are in the bundles: each asks that it goes with every copy. */
async function licenses(metafiles: readonly Metafile[]): Promise<string> {
  const folders = new Set<string>()
  for (const input of metafiles.flatMap(({ inputs }) => Object.keys(inputs))) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)
    if (found?.[1] !== undefined) folders.add(found[1])
  }
  const texts = [...folders].map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, string>
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each))
    const text = file === undefined ? `License: ${license ?? 'not stated'}\n` : await readFile(join(folder, file), 'utf8')
    return `${name} ${version}\n\n${text}`
  })
  // Some packages are there several times, each beside who needs it.
  return [...new Set(await Promise.all(texts))].toSorted().join(`\n${'-'.repeat(80)}\n`)
}
