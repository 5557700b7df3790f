import type { Head, PathState } from '../../operations/ports.ts'
import type { Mirror } from './mirror.ts'
import { openObjects, type Objects, type TreeCache } from './objects.ts'
import { checkPath } from './paths.ts'
import { findEntry, listEntries, type TreeEntry } from './tree.ts'

/**
 * What a commit has at many paths, by one `git cat-file --batch` at most: all trees of one depth are asked for together,
 * then those below them. `ls-tree` would compare every entry with every path, and `<commit>:<path>` does not tell a
 * symlink from a file.
 */
export async function readPaths(
  mirror: Mirror,
  cache: TreeCache,
  head: Head,
  paths: readonly string[],
): Promise<ReadonlyMap<string, PathState>> {
  const [states = new Map<string, PathState>()] = await readPathsOfMany(mirror, cache, [{ head, paths }])
  return states
}

/** The same for several commits, in their order, and still one process at most. */
export async function readPathsOfMany(
  mirror: Mirror,
  cache: TreeCache,
  wanted: readonly { readonly head: Head; readonly paths: readonly string[] }[],
): Promise<readonly ReadonlyMap<string, PathState>[]> {
  for (const { paths } of wanted) paths.forEach(checkPath)
  const objects = openObjects(mirror, cache)
  const found: ReadonlyMap<string, PathState>[] = []
  try {
    for (const { head, paths } of wanted) {
      const states = new Map<string, PathState>(paths.map((path) => [path, { kind: 'absent' }]))
      if (head !== null && paths.length > 0) await hashFiles(objects, await walk(objects, head, plant(paths), states), states)
      found.push(states)
    }
  } finally {
    await objects.close()
  }
  return found
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
  let visits: readonly Visit[] = [{ sha: await objects.root(head), path: '', node: root, listings: [] }]
  while (visits.length > 0) {
    const next: Visit[] = []
    let index = 0
    for await (const tree of objects.trees(visits.map((visit) => visit.sha))) {
      const visit = visits[index++]
      if (visit === undefined) throw new Error('bug: a tree that nobody asked for')
      // Where nobody wants a listing, only the asked names are looked for: a directory may have thousands.
      const asked = visit.listings.length > 0 ? listEntries(tree) : namesOf(visit.node).map((name) => findEntry(tree, name))
      for (const entry of asked) if (entry !== null) look(visit, entry, { states, files, next })
    }
    visits = next
  }
  for (const state of states.values()) if (state.kind === 'directory') (state.entries as string[]).sort()
  return files
}

function namesOf(node: Node | null): readonly string[] {
  return node === null ? [] : [...node.children.keys()]
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
  let index = 0
  for await (const digest of objects.digests(files.map((file) => file.blob))) {
    const file = files[index++]
    if (file !== undefined) states.set(file.path, { kind: 'file', blob: file.blob, digest })
  }
}
