import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeDelta } from '../../src/adapters/git/delta.ts'
import { parseTree } from '../../src/adapters/git/tree.ts'
import type { CommitPlan, Head } from '../../src/operations/ports.ts'
import { createStage, plan, type Stage } from './git-repositories.ts'

let stage: Stage
beforeAll(async () => {
  stage = await createStage()
})
afterAll(() => stage.close())

/** What `git fast-import` makes of the same plans, in the same mirror: their ids. */
function importedBy(git: Stage, onto: Head, plans: readonly CommitPlan[]): readonly string[] {
  const parts = plans.flatMap(({ message, author, committer, date, files }, index) => {
    const at = `${Math.floor(date.getTime() / 1000)} +0000`
    const people = `author ${author.name} <${author.email}> ${at}\ncommitter ${committer.name} <${committer.email}> ${at}\n`
    const changes = files.map(({ path, content }) => (content === null ? `D "${path}"\n` : `M 100644 inline "${path}"\n${data(content)}`))
    const from = index === 0 && onto !== null ? `from ${onto}\n` : ''
    return [`commit refs/heads/imported\nmark :${index + 1}\n${people}${data(message)}${from}`, ...changes, '\n']
  })
  const questions = plans.map((_, index) => `get-mark :${index + 1}\n`)
  const input = ['feature done\n', ...(onto === null ? ['reset refs/heads/imported\n'] : []), ...parts, ...questions, 'done\n'].join('')
  return git.foreign(['--git-dir', git.mirror, 'fast-import', '--quiet', '--force', '--date-format=raw'], input).split('\n')
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`
}

/** Names whose order depends on what they are: `a` the directory comes after `a.b` the file, `a` the file before it. */
const segment = fc.constantFrom('a', 'a.b', 'a-', 'a0', 'ä', '𝒳', 'z', 'B')
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'))
const content = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('', 'x', 'y'.repeat(300)) }, { weight: 2, arbitrary: fc.constant(null) })
const files = fc.array(fc.record({ path, content }), { maxLength: 5 })

describe('what is built here', () => {
  test('is what git fast-import makes of the same plans, whatever takes whose place', async () => {
    const branch = stage.open()
    await branch.fetch()
    const base = (await branch.buildCommits(null, [plan({ files: [{ path: 'a/a/a', content: '1' }] })]))[0]?.sha ?? ''

    await fc.assert(
      fc.asyncProperty(fc.array(files, { minLength: 1, maxLength: 30 }), fc.constantFrom(null, base), async (sequence, onto) => {
        const plans = sequence.map((changes) => plan({ files: changes }))

        const built = await branch.buildCommits(onto, plans)

        expect(built.map(({ sha }) => sha)).toEqual(importedBy(stage, onto, plans))
      }),
      { numRuns: 30 },
    )
  })

  test('is whole by git’s own word: hundreds of changes of a directory of thousands, and the batch after it', async () => {
    const wide = await createStage()
    try {
      const branch = wide.open()
      await branch.fetch()
      const many = Array.from({ length: 4_000 }, (_, i) => ({ path: `d/${i}/f`, content: `${i}` }))
      const one = (i: number) =>
        plan({
          files: [...(i % 7 === 0 ? [{ path: `d/${i}`, content: null }] : []), { path: `d/n${(i * 7919) % 400}/f`, content: `${i}` }],
        })
      const plans = [plan({ files: many }), ...Array.from({ length: 150 }, (_, i) => one(i))]
      const next = Array.from({ length: 30 }, (_, i) => one(i + 150))

      const first = await branch.buildCommits(null, plans)
      const head = first.at(-1)?.sha ?? ''
      const second = await branch.buildCommits(head, next)

      const fsck = wide.foreign(['--git-dir', wide.mirror, 'fsck', '--strict', '--no-dangling', '--full'])
      expect(fsck).toBe('')
      const packs = readdirSync(join(wide.mirror, 'objects/pack')).filter((name) => name.endsWith('.idx'))
      expect(packs).toHaveLength(2)
      const objects = wide.foreign([
        '--git-dir',
        wide.mirror,
        'verify-pack',
        '-v',
        ...packs.map((name) => join(wide.mirror, 'objects/pack', name)),
      ])
      // As long as git would make them itself, and no longer: who reads the last goes through all.
      const chains = [...objects.matchAll(/^chain length = (\d+):/gm)].map(([, length]) => Number(length))
      expect(Math.max(...chains)).toBe(50)
      expect([...first, ...second].map(({ sha }) => sha)).toEqual([...importedBy(wide, null, plans), ...importedBy(wide, head, next)])
    } finally {
      await wide.close()
    }
  })

  test('leaves alone what it was not asked for: modes, links, submodules', async () => {
    const head = stage.foreignCommit({ 'm/link': { link: 'x' }, 'm/module': { gitlink: '1'.repeat(40) }, 'm/f': 'f' })
    const branch = stage.open()
    await branch.fetch()
    const before = stage.foreign(['ls-tree', '-r', head])

    const [built] = await branch.buildCommits(head, [plan({ files: [{ path: 'm/new', content: 'n' }] })])

    const after = stage.foreign(['--git-dir', stage.mirror, 'ls-tree', '-r', built?.sha ?? '']).split('\n')
    expect(after.filter((line) => !line.endsWith('\tm/new'))).toEqual(before.split('\n'))
    expect(await branch.push(head, built?.sha ?? '')).toEqual({ kind: 'pushed' })
  })

  test('a directory that git would not have made is not read by halves', () => {
    const entry = (name: string) => Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.alloc(20)])

    expect(() => parseTree(Buffer.concat([entry('b'), entry('a')]))).toThrow(RangeError)
    expect(() => parseTree(Buffer.concat([entry('a'), entry('a')]))).toThrow(RangeError)
    expect(() => parseTree(Buffer.from('100644 a'))).toThrow(RangeError)
    expect(() => parseTree(entry('a').subarray(0, -1))).toThrow(RangeError)
  })
})

test('a difference gives back what it was made of', () => {
  const long = fc.uint8Array({ minLength: 0, maxLength: 300 })
  const repeated = fc
    .tuple(long, fc.integer({ min: 1, max: 400 }))
    .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)))
  fc.assert(
    fc.property(repeated, long, fc.nat(), fc.nat({ max: 300 }), (base, piece, where, gone) => {
      const at = base.length === 0 ? 0 : where % base.length
      const target = Buffer.concat([base.subarray(0, at), piece, base.subarray(at + gone)])

      const delta = encodeDelta(base, target)

      if (delta !== null) expect(applyDelta(base, delta).equals(target)).toBe(true)
    }),
  )
})

/** By the letter of gitformat-pack(5). */
function applyDelta(base: Buffer, delta: Buffer): Buffer {
  let at = 0
  const next = () => delta[at++] ?? 0
  const size = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = next()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  expect(size()).toBe(base.length)
  const length = size()
  const parts: Buffer[] = []
  while (at < delta.length) {
    const op = next()
    if (op < 0x80) {
      parts.push(delta.subarray(at, (at += op)))
      continue
    }
    let [from, count] = [0, 0]
    for (let i = 0; i < 4; i++) if ((op & (1 << i)) !== 0) from |= next() << (8 * i)
    for (let i = 0; i < 3; i++) if ((op & (0x10 << i)) !== 0) count |= next() << (8 * i)
    parts.push(base.subarray(from, from + (count === 0 ? 0x10000 : count)))
  }
  const target = Buffer.concat(parts)
  expect(target.length).toBe(length)
  return target
}
