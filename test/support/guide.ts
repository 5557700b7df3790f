import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isObject } from '../../src/core/json.ts'

/**
 * The guides as something to run. In a page, a ```sh block is what its reader types; the ```json or ```text block that
 * comes next, before any other block, is what they see then. There `…` stands for anything, JSON shows some members of
 * what comes (but an empty list is empty), and text shows some of its lines.
 */
export type Block = {
  /** `docs/requests.md:12`. */
  readonly at: string
  readonly language: string
  readonly text: string
  /** Of a ```sh block. */
  readonly output: { readonly language: 'json' | 'text'; readonly text: string } | null
}

const root = join(import.meta.dirname, '../..')

/** All blocks of a page; its outputs are in the blocks that print them. */
export function readBlocks(page: string): readonly Block[] {
  const blocks: Block[] = []
  let open: { at: string; language: string; lines: string[] } | null = null
  readFileSync(join(root, page), 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const fence = /^```(\w*)$/.exec(line)
      if (fence === null) open?.lines.push(line)
      else if (open === null) open = { at: `${page}:${index + 1}`, language: fence[1] ?? '', lines: [] }
      else {
        add(blocks, { at: open.at, language: open.language, text: open.lines.join('\n'), output: null })
        open = null
      }
    })
  if (open !== null) throw new Error(`${page} has a block without an end`)
  return blocks
}

function add(blocks: Block[], block: Block): void {
  const before = blocks.at(-1)
  const { language, text } = block
  if (before?.language === 'sh' && before.output === null && (language === 'json' || language === 'text'))
    blocks[blocks.length - 1] = { ...before, output: { language, text } }
  else blocks.push(block)
}

/** What of a shown output is not in what was printed; empty when all is. */
export function compareOutput(shown: NonNullable<Block['output']>, printed: string): readonly string[] {
  if (shown.language === 'text') return compareLines(shown.text, printed)
  return compareJson(JSON.parse(shown.text), parse(printed), '')
}

/** What was printed, as JSON where it is some. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

function compareJson(shown: unknown, real: unknown, at: string): readonly string[] {
  const differs = [
    `${at === '' ? 'all of it' : at}: shown ${JSON.stringify(shown)}, printed ${(JSON.stringify(real) ?? 'nothing').slice(0, 300)}`,
  ]
  if (typeof shown === 'string') return typeof real === 'string' && wildcard(shown).test(real) ? [] : differs
  if (Array.isArray(shown)) return Array.isArray(real) ? compareItems(shown, real, at) : differs
  if (!isObject(shown)) return shown === real ? [] : differs
  if (!isObject(real)) return differs
  return Object.entries(shown).flatMap(([name, member]) => compareJson(member, real[name], `${at}/${name}`))
}

/** Shown items come in the order shown; between them there may be others. */
function compareItems(shown: readonly unknown[], real: readonly unknown[], at: string): readonly string[] {
  if (shown.length === 0 && real.length > 0) return [`${at}: shown empty, printed ${JSON.stringify(real).slice(0, 300)}`]
  let next = 0
  return shown.flatMap((item, index) => {
    const found = real.findIndex((candidate, i) => i >= next && compareJson(item, candidate, '').length === 0)
    if (found === -1) return compareJson(item, real[next], `${at}/${index}`)
    next = found + 1
    return []
  })
}

function compareLines(shown: string, printed: string): readonly string[] {
  const lines = printed.split('\n').map((line) => line.trimEnd())
  let next = 0
  return shown.split('\n').flatMap((line) => {
    if (line === '' || line === '…') return []
    const pattern = wildcard(line)
    const found = lines.findIndex((candidate, i) => i >= next && pattern.test(candidate))
    if (found === -1) return [`no line from ${next + 1} on is: ${line}`]
    next = found + 1
    return []
  })
}

/** The whole of a text in which `…` is anything. */
function wildcard(text: string): RegExp {
  const parts = text.split('…').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}
