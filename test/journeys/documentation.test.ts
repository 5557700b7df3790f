import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isObject } from '../../src/core/json.ts'
import { parseYamlDocuments } from '../../src/core/yaml.ts'
import { compareOutput, readBlocks, type Block } from '../support/guide.ts'
import { hasJq, installIn } from '../support/installed.ts'
import { runPurser } from '../support/server.ts'

/**
 * What the guides say is run, in their order, by one shell a page, against one fresh server: every ```sh block has to end
 * well and to print what the page shows (see `guide.ts`); a block without an output must print no refusal. The shell stands
 * where the reader stands, beside `.purser` and `examples`, with two differences: the port is another one than 8080, and
 * `npx purser` is the source. Every ```yaml block is applied as a dry run, together with those before it on its page, and
 * is in the folder `platform`.
 */
const pages = [
  'README.md',
  'docs/requests.md',
  'docs/documents.md',
  'docs/running.md',
  'docs/graphql.md',
  'docs/clients.md',
  'docs/identity.md',
  'docs/importing.md',
  'docs/schemas.md',
]

/** Blocks that are not run, by their first line, and why. This list only gets shorter. */
const notRun: readonly { readonly page: string; readonly begins: string; readonly because: string }[] = [
  {
    page: 'README.md',
    begins: 'npm ci && npm start',
    because: 'an install takes minutes; the server of this test is started from the source',
  },
  { page: 'README.md', begins: 'npm ci && npm test', because: 'this test is a part of it' },
  { page: 'docs/running.md', begins: "export DATABASE_URL='", because: 'there is no database server of that name' },
  { page: 'docs/running.md', begins: 'HEAD=', because: 'only a branch whose history was rewritten can be accepted' },
]

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'purser-guides-'))
chmodSync(folder, 0o700)
const purser = runPurser({ data: join(folder, '.purser'), args: ['serve', '--work'] })
let url: string

beforeAll(async () => {
  await installIn(folder)
  const started = await Promise.race([purser.printed(/^purser ready on (\S+)$/m), purser.ended])
  if (!Array.isArray(started)) throw new Error(`purser ended before it was ready: ${purser.stderr()}`)
  url = started[1] ?? ''
  mkdirSync(join(folder, 'bin'))
  writeFileSync(
    join(folder, 'bin/npx'),
    `#!/bin/sh\n[ "$1" = purser ] || exit 127\nshift\nPURSER_URL=${url} exec ${process.execPath} --import ${import.meta.resolve('tsx')} ${join(root, 'src/main.ts')} "$@"\n`,
    { mode: 0o755 },
  )
})
afterAll(async () => {
  await purser.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('every guide is run, and what is not run is known', () => {
  const guides = readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
  const withCommands = ['README.md', ...guides].filter((page) => readBlocks(page).some((block) => block.language === 'sh'))

  expect(withCommands.toSorted()).toEqual(pages.toSorted())
  for (const { page, begins } of notRun) expect(readBlocks(page).filter((block) => block.text.startsWith(begins))).toHaveLength(1)
  expect(notRun.length).toBeLessThanOrEqual(4)
})

test.each(pages)('every document in %s can be applied', async (page) => {
  const blocks = readBlocks(page).filter((block) => block.language === 'yaml')
  const token = readFileSync(join(folder, '.purser/admin-token'), 'utf8').trim()
  const stream: string[] = []
  for (const { at, text } of blocks) {
    stream.push(text)

    const answer = await fetch(`${url}/v1/apply?dryRun=true`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/yaml' },
      body: stream.join('\n---\n'),
    })

    expect(`${at} ${answer.status} ${answer.ok ? '' : await answer.text()}`).toBe(`${at} 200 `)
  }
})

const unscripted = hasJq() ? [] : ['docs/clients.md']
if (unscripted.length > 0) process.stderr.write(`jq is not installed: left out is what ${unscripted.join(', ')} says\n`)

test.each(pages.filter((page) => !unscripted.includes(page)))('what %s says can be done, and prints what it shows', async (page) => {
  const blocks = readBlocks(page)
  keepDocuments(blocks.filter((block) => block.language === 'yaml'))
  const commands = blocks.filter(
    (block) => block.language === 'sh' && !notRun.some((n) => n.page === page && block.text.startsWith(n.begins)),
  )

  const { code, printed, errors } = await runInOneShell(page, commands)

  const differences = commands.flatMap((block, i) => {
    const text = printed[i] ?? null
    if (text === null) return [`${block.at} was not reached`]
    if (i === printed.length - 1 && code !== 0) return [`${block.at} ended with ${code}: ${errors[i]}${text}`]
    if (block.output !== null) return compareOutput(block.output, text).map((difference) => `${block.at} ${difference}`)
    return text.includes('https://purser.dev/problems/') ? [`${block.at} was refused: ${text}`] : []
  })
  expect(differences).toEqual([])
  expect(code).toBe(0)
})

/** The documents of a page as the files that its reader is told to make. */
function keepDocuments(blocks: readonly Block[]): void {
  const platform = join(folder, 'platform')
  rmSync(platform, { recursive: true, force: true })
  mkdirSync(platform)
  blocks.forEach(({ at, text }) => {
    const documents = parseYamlDocuments(text)
    if (!documents.ok) throw new Error(`${at} is no YAML`)
    const kind = isObject(documents.value[0]) ? String(documents.value[0]['kind']) : ''
    writeFileSync(join(platform, `${kind.toLowerCase()}.yaml`), text)
  })
}

type Ran = {
  readonly code: number | null
  /** By block, as far as it came. */ readonly printed: readonly string[]
  readonly errors: readonly string[]
}

/** Blocks share one shell, as they do in front of a reader: what one defines, the next one uses. The first that fails ends it. */
async function runInOneShell(page: string, blocks: readonly Block[]): Promise<Ran> {
  const outputs = mkdtempSync(join(folder, 'out-'))
  const file = (i: number, stream: string) => join(outputs, `${i}.${stream}`)
  const script = blocks.map(
    ({ text }, i) => `exec >'${file(i, 'out')}' 2>'${file(i, 'err')}'\n${text.replaceAll('http://127.0.0.1:8080', url)}\n`,
  )
  const path = join(outputs, `${page.replaceAll('/', '-')}.sh`)
  writeFileSync(path, `set -eo pipefail\n${script.join('')}`)
  const { PATH = '' } = process.env
  const shell = spawn('bash', [path], {
    cwd: folder,
    env: { PATH: `${join(folder, 'bin')}:${PATH}`, HOME: folder },
    stdio: 'ignore',
    timeout: 30_000,
  })
  const [code] = (await once(shell, 'close')) as [number | null] // What `close` tells.
  const reached = readdirSync(outputs).filter((name) => name.endsWith('.out')).length
  const read = (stream: string) =>
    Array.from({ length: reached }, (_, i) => readFileSync(file(i, stream), 'utf8').replaceAll(url, 'http://127.0.0.1:8080'))
  return { code, printed: read('out'), errors: read('err') }
}
