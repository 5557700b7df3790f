import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** The package as it would be published, of what was built last, in the folder of somebody who has nothing else. */

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'purser-package-'))
const modules = join(folder, 'node_modules')

function run(program: string, ...args: readonly string[]): string {
  try {
    return execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    // What a compiler says is on its standard output.
    throw error instanceof Error && 'stdout' in error ? new Error(`${error.message}\n${String(error.stdout)}`) : error
  }
}

beforeAll(() => {
  mkdirSync(join(modules, 'purser'), { recursive: true })
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: root, stdio: 'ignore' })
  run('sh', '-c', 'tar -xzf purser-*.tgz -C node_modules/purser --strip-components=1')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('purser/client is imported without any other package', () => {
  const printed = run(
    process.execPath,
    '--input-type=module',
    '-e',
    `import { createClient, PurserProblem } from 'purser/client'
     const client = createClient({ url: 'http://127.0.0.1:1', attempts: 1 })
     console.log(typeof client.submitRequest, PurserProblem.name, await client.readMe().catch(({ name }) => name))`,
  )

  expect(printed).toBe('function PurserProblem PurserUnreachable\n')
})

test.each([
  { compiler: 'TypeScript 7', tsc: 'node_modules/typescript/bin/tsc' },
  { compiler: 'TypeScript 5', tsc: 'scripts/client-types/node_modules/typescript/bin/tsc' },
])(
  'its types are whole and hold for $compiler, with and without a bundler, in Node and in browsers',
  ({ tsc }) => {
    for (const name of ['openapi-fetch', 'openapi-typescript-helpers', '@types', 'undici-types']) {
      rmSync(join(modules, name), { recursive: true, force: true })
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
    }
    writeFileSync(
      join(folder, 'uses.mts'),
      `import { createClient, type Schemas } from 'purser/client'
     const client = createClient({ url: 'http://127.0.0.1:8080' })
     export const plan: Promise<Schemas['Plan']> = client.planRequest({ body: { team: 'a', environment: 'b', changes: [] } })
     // @ts-expect-error A request has an id.
     export const wrong = client.readRequest({ path: { name: 'a' } })
    `,
    )

    for (const setting of [
      ['--module', 'nodenext', '--lib', 'es2023', '--types', 'node', '--skipLibCheck'],
      ['--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2023,dom,dom.iterable', '--typeRoots', 'none'],
    ]) {
      expect(run(process.execPath, join(root, tsc), '--noEmit', '--strict', '--target', 'es2022', ...setting, 'uses.mts')).toBe('')
    }
  },
  120_000,
)
