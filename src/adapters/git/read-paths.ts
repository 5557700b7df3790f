import { createHash } from 'node:crypto'
import type { Head, PathState } from '../../operations/ports.ts'
import { MirrorBroken } from './faults.ts'
import type { Mirror } from './mirror.ts'
import { checkPath } from './paths.ts'
import type { RunningGit } from './run.ts'

/**
 * What a commit has at many paths, by one `git cat-file --batch`: all trees of one depth are asked for together, then
 * those below them. `ls-tree` would compare every entry with every path, and `<commit>:<path>` does not tell a symlink
 * from a file.
 */
export async function readPaths(mirror: Mirror, head: Head, paths: readonly string[]): Promise<ReadonlyMap<string, PathState>> {
  paths.forEach(checkPath)
  const states = new Map<string, PathState>(paths.map((path) => [path, { kind: 'absent' }]))
  if (head === null || paths.length === 0) return states
  const objects = openObjects(mirror)
  try {
    const files = await walk(objects, head, plant(paths), states)
    await hashFiles(objects, files, states)
  } finally {
    await objects.close()
  }
  return states
}

/** The asked paths as a tree of names. */
type Node = { readonly children: Map<string, Node>; asked: boolean }

function plant(paths: readonly string[]): Node {
  const root: Node = { children: new Map(), asked: false }
  for (const path of paths) {
    let node = root
    for (const name of path.split('/')) {
      const child: Node = node.children.get(name) ?? { children: new Map(), asked: false }
      node.children.set(name, child)
      node = child
    }
    node.asked = true
  }
  return root
}

/** Asked directories list at most this much of what is below them. */
const MAX_ENTRIES = 1_000

/** A tree to look into: for the asked paths below it, for the listings of asked directories above it, or both. */
type Visit = { readonly sha: string; readonly path: string; readonly node: Node | null; readonly listings: readonly string[][] }
type File = { readonly path: string; readonly blob: string }

/** Fills in everything but files, whose content is still to be hashed; those come back. */
async function walk(objects: Objects, head: string, root: Node, states: Map<string, PathState>): Promise<readonly File[]> {
  const files: File[] = []
  let visits: readonly Visit[] = [{ sha: `${head}^{tree}`, path: '', node: root, listings: [] }]
  while (visits.length > 0) {
    objects.ask(visits.map((visit) => visit.sha))
    const next: Visit[] = []
    for (const visit of visits) {
      for (const entry of parseTree(await objects.take('tree'))) look(visit, entry, { states, files, next })
    }
    visits = next
  }
  for (const state of states.values()) if (state.kind === 'directory') (state.entries as string[]).sort()
  return files
}

type Found = { readonly states: Map<string, PathState>; readonly files: File[]; readonly next: Visit[] }

function look(visit: Visit, entry: TreeEntry, found: Found): void {
  const node = visit.node?.children.get(entry.name) ?? null
  const open = visit.listings.filter((listing) => listing.length < MAX_ENTRIES)
  if (node === null && open.length === 0) return
  const path = visit.path + entry.name
  if (entry.kind === 'directory') {
    const own: string[] = []
    if (node?.asked === true) found.states.set(path, { kind: 'directory', entries: own })
    found.next.push({ sha: entry.sha, path: `${path}/`, node, listings: node?.asked === true ? [...open, own] : open })
    return
  }
  for (const listing of open) listing.push(path)
  if (node === null) return
  if (node.asked) {
    if (entry.kind === 'file') found.files.push({ path, blob: entry.sha })
    else found.states.set(path, { kind: 'blocked', at: path, by: entry.kind })
  }
  block(node, path, { kind: 'blocked', at: path, by: entry.kind }, found.states)
}

/** Everything asked for below an entry that is no directory is blocked by it. */
function block(node: Node, path: string, state: PathState, states: Map<string, PathState>): void {
  for (const [name, child] of node.children) {
    if (child.asked) states.set(`${path}/${name}`, state)
    block(child, `${path}/${name}`, state, states)
  }
}

async function hashFiles(objects: Objects, files: readonly File[], states: Map<string, PathState>): Promise<void> {
  objects.ask(files.map((file) => file.blob))
  for (const { path, blob } of files) {
    const hash = createHash('sha256')
    await objects.pass('blob', (bytes) => hash.update(bytes))
    states.set(path, { kind: 'file', blob, digest: `sha256:${hash.digest('hex')}` })
  }
}

type TreeEntry = { readonly name: string; readonly kind: 'file' | 'directory' | 'symlink' | 'submodule'; readonly sha: string }

/** A tree object: `<octal mode> <name>\0<20 bytes>`, again and again. */
function* parseTree(bytes: Buffer): Generator<TreeEntry> {
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at)
    const end = bytes.indexOf(0, space)
    const mode = bytes.toString('latin1', at, space)
    const kind = mode === '40000' ? 'directory' : mode === '120000' ? 'symlink' : mode === '160000' ? 'submodule' : 'file'
    yield { name: bytes.toString('utf8', space + 1, end), kind, sha: bytes.toString('hex', end + 1, end + 21) }
    at = end + 21
  }
}

type Objects = {
  /** Objects come in the order asked. */
  ask(names: readonly string[]): void
  take(type: string): Promise<Buffer>
  /** Hands the content on piece by piece, so that a huge file is never held. */
  pass(type: string, onBytes: (bytes: Buffer) => void): Promise<void>
  close(): Promise<void>
}

function openObjects(mirror: Mirror): Objects {
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

  async function header(type: string): Promise<number> {
    let end: number
    while ((end = rest.indexOf(0x0a)) < 0) rest = Buffer.concat([rest, await more()])
    const line = rest.toString('latin1', 0, end)
    rest = rest.subarray(end + 1)
    const [, found, size] = line.split(' ')
    if (found !== type || size === undefined) throw new MirrorBroken(`an object is ${found ?? 'unknown'}, not a ${type}`)
    return Number(size)
  }

  async function pass(type: string, onBytes: (bytes: Buffer) => void): Promise<void> {
    // The line feed after the content belongs to the answer, not to the object.
    for (let left = (await header(type)) + 1; left > 0;) {
      if (rest.length === 0) rest = await more()
      const piece = rest.subarray(0, left)
      const content = piece.length === left ? piece.subarray(0, -1) : piece
      if (content.length > 0) onBytes(content)
      rest = rest.subarray(piece.length)
      left -= piece.length
    }
  }

  return {
    ask: (names) => void git.stdin.write(names.map((name) => `${name}\n`).join('')),
    pass,
    take: async (type) => {
      const pieces: Buffer[] = []
      await pass(type, (bytes) => pieces.push(bytes))
      return Buffer.concat(pieces)
    },
    close: async () => {
      git.stdin.end()
      git.stdout.resume()
      await git.ended.catch(() => undefined)
    },
  }
}
