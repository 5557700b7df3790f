import { createHash } from 'node:crypto'
import { GitFault } from '../../operations/ports.ts'
import { MirrorBroken } from './faults.ts'
import type { Mirror } from './mirror.ts'
import type { RunningGit } from './run.ts'
import { emptyTree, parseTree, type Tree } from './tree.ts'

/**
 * What this process has seen of commits and directories, by their git ids, which name nothing else ever: so a round that
 * goes on from its own last commit, or looks where it looked before, starts no git process to read.
 */
export type TreeCache = {
  tree(sha: string): Tree | undefined
  keepTree(sha: string, tree: Tree): void
  /** The tree of a commit. */
  root(commit: string): string | undefined
  keepRoot(commit: string, tree: string): void
}

/** Bytes of git's; the names beside them take as much again. */
const MAX_CACHED_BYTES = 8 << 20
const MAX_ROOTS = 1_000

export function createTreeCache(): TreeCache {
  const trees = new Map<string, Tree>()
  const roots = new Map<string, string>()
  let bytes = 0
  return {
    tree(sha) {
      const tree = trees.get(sha)
      if (tree === undefined) return undefined
      // What was asked for last goes last.
      trees.delete(sha)
      trees.set(sha, tree)
      return tree
    },
    keepTree(sha, tree) {
      if (trees.has(sha)) return
      trees.set(sha, tree)
      bytes += tree.bytes.length
      for (const [oldest, { bytes: its }] of trees) {
        if (bytes <= MAX_CACHED_BYTES) break
        trees.delete(oldest)
        bytes -= its.length
      }
    },
    root: (commit) => roots.get(commit),
    keepRoot(commit, tree) {
      roots.set(commit, tree)
      for (const oldest of roots.keys()) {
        if (roots.size <= MAX_ROOTS) break
        roots.delete(oldest)
      }
    },
  }
}

export type Objects = {
  /** The id of a commit's tree. */
  root(commit: string): Promise<string>
  /** In the order asked. What is not known is asked for in one go. */
  trees(shas: readonly string[]): AsyncGenerator<Tree>
  /** The digest of a file, as plans use it, in the order asked; no file is held as a whole. */
  digests(shas: readonly string[]): AsyncGenerator<string>
  close(): Promise<void>
}

/** Reads through one `git cat-file --batch`, which is started by the first thing that is not known. */
export function openObjects(mirror: Mirror, cache: TreeCache): Objects {
  let started: Batch | null = null
  const batch = () => (started ??= startBatch(mirror))

  async function* trees(shas: readonly string[]): AsyncGenerator<Tree> {
    const known = shas.map((sha) => cache.tree(sha))
    const wanted = shas.filter((_, index) => known[index] === undefined)
    if (wanted.length > 0) batch().ask(wanted)
    for (const [index, sha] of shas.entries()) {
      const tree = known[index] ?? readTree((await batch().take('tree')).bytes)
      cache.keepTree(sha, tree)
      yield tree
    }
  }

  async function root(commit: string): Promise<string> {
    const known = cache.root(commit)
    if (known !== undefined) return known
    batch().ask([`${commit}^{tree}`])
    const { sha, bytes } = await batch().take('tree')
    cache.keepRoot(commit, sha)
    cache.keepTree(sha, readTree(bytes))
    return sha
  }

  async function* digests(shas: readonly string[]): AsyncGenerator<string> {
    if (shas.length > 0) batch().ask(shas)
    for (const _ of shas) {
      const hash = createHash('sha256')
      await batch().pass('blob', (bytes) => hash.update(bytes))
      yield `sha256:${hash.digest('hex')}`
    }
  }

  return { root, trees, digests, close: async () => started?.close() }
}

function readTree(bytes: Buffer): Tree {
  if (bytes.length === 0) return emptyTree
  try {
    return parseTree(bytes)
  } catch (cause) {
    throw new GitFault('stop', 'a directory on the branch is no valid git tree', { cause })
  }
}

type Batch = {
  /** Objects come in the order asked. */
  ask(names: readonly string[]): void
  take(type: string): Promise<{ readonly sha: string; readonly bytes: Buffer }>
  /** Hands the content on piece by piece, so that a huge file is never held; answers the object's id. */
  pass(type: string, onBytes: (bytes: Buffer) => void): Promise<string>
  close(): Promise<void>
}

function startBatch(mirror: Mirror): Batch {
  const git: RunningGit = mirror.start(['cat-file', '--batch'])
  const chunks: AsyncIterator<Buffer> = git.stdout[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)

  /** At least one byte more, or the reason why there is none. */
  async function more(): Promise<Buffer> {
    const { done, value } = await chunks.next()
    if (done !== true) return value
    const { stderr } = await git.ended
    throw mirror.failed(stderr)
  }

  async function header(type: string): Promise<{ readonly sha: string; readonly size: number }> {
    let end: number
    while ((end = rest.indexOf(0x0a)) < 0) rest = Buffer.concat([rest, await more()])
    const [sha = '', found, size] = rest.toString('latin1', 0, end).split(' ')
    rest = rest.subarray(end + 1)
    if (found !== type || size === undefined) throw new MirrorBroken(`an object is ${found ?? 'unknown'}, not a ${type}`)
    return { sha, size: Number(size) }
  }

  async function pass(type: string, onBytes: (bytes: Buffer) => void): Promise<string> {
    const { sha, size } = await header(type)
    // The line feed after the content belongs to the answer, not to the object.
    for (let left = size + 1; left > 0;) {
      if (rest.length === 0) rest = await more()
      const piece = rest.subarray(0, left)
      const content = piece.length === left ? piece.subarray(0, -1) : piece
      if (content.length > 0) onBytes(content)
      rest = rest.subarray(piece.length)
      left -= piece.length
    }
    return sha
  }

  return {
    ask: (names) => void git.stdin.write(names.map((name) => `${name}\n`).join('')),
    pass,
    take: async (type) => {
      const pieces: Buffer[] = []
      const sha = await pass(type, (bytes) => pieces.push(bytes))
      return { sha, bytes: Buffer.concat(pieces) }
    },
    close: async () => {
      git.stdin.end()
      git.stdout.resume()
      await git.ended.catch(() => undefined)
    },
  }
}
