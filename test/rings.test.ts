import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

/**
 * What each ring may import of this tree, besides itself. A face or an adapter is a room of its own: `faces/http` may not
 * see `faces/worker`. `main` (src/main.ts, src/main/, src/config.ts) joins everything. `generated` is Prisma's client. `client` is what
 * others import, also in browsers: of ours it has the types that the API's document says, and nobody here needs it.
 */
const may: Readonly<Record<string, readonly string[]>> = {
  core: [],
  generated: [],
  store: ['core', 'generated'],
  operations: ['core', 'store'],
  faces: ['core', 'operations'],
  adapters: ['core', 'operations'],
  cli: ['core'],
  client: [],
  main: ['core', 'store', 'operations', 'faces', 'adapters', 'cli'],
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.startsWith('generated/'),
)

function ring(file: string): string {
  const [first = ''] = file.split('/')
  return first in may ? first : 'main'
}

/** A face's or an adapter's own room; for every other file its ring. */
function room(file: string): string {
  const ringed = ring(file)
  return ringed === 'faces' || ringed === 'adapters' ? file.split('/').slice(0, 2).join('/').replace(/\.ts$/, '') : ringed
}

function imports(file: string): readonly string[] {
  const source = readFileSync(join('src', file), 'utf8')
  return [...source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => join(dirname(file), match[1] ?? ''))
}

test('imports point one way: core ← store ← operations ← faces | adapters ← main, and the command sees only the core', () => {
  const wrong = files.flatMap((file) =>
    imports(file)
      .filter((to) => room(to) !== room(file) && !may[ring(file)]?.includes(ring(to)))
      .map((to) => `${file} → ${to}`),
  )

  expect(wrong).toEqual([])
  expect(files.length).toBeGreaterThan(50)
})

test('the core is a function of its arguments: nothing asynchronous, no clock, no chance, no input or output', () => {
  const impure =
    /\basync (function|\()|\bawait |\bnew Promise\b|Date\.now\(|new Date\(\)|Math\.random|randomUUID|\bprocess\.|from 'node:(?!crypto')/

  expect(matching(impure).filter((file) => ring(file) === 'core')).toEqual([])
})

test('SQL is asked by the store alone, and the environment is read by the configuration alone', () => {
  expect(matching(/\.(query|\$queryRaw\w*|\$executeRaw\w*)\s*[<(`]/).filter((file) => ring(file) !== 'store')).toEqual([])
  expect(matching(/\bprocess\.env\b/).filter((file) => file !== 'config.ts')).toEqual([])
})

/** The files whose code, comments left out, matches. */
function matching(pattern: RegExp): readonly string[] {
  return files.filter((file) => pattern.test(readFileSync(join('src', file), 'utf8').replaceAll(/^\s*(\*|\/\*|\/\/).*$/gm, '')))
}
