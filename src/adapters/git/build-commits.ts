import { setImmediate as breathe } from 'node:timers/promises'
import type { BuiltCommit, CommitPlan, Head, Person } from '../../operations/ports.ts'
import { BUILT_REF, type Mirror } from './mirror.ts'
import { createObjectWriter, type ObjectWriter } from './object-writer.ts'
import { openObjects, type Objects, type TreeCache } from './objects.ts'
import type { GitObject } from './pack.ts'
import { checkPath } from './paths.ts'
import { signForGit, type Signer } from './ssh-signature.ts'
import { dropEntry, emptyTree, findEntry, openTree, putEntry, type OpenTree, type Tree } from './tree.ts'

/**
 * Many commits, each on top of the one before, into the mirror, by no git process but one that reads the directories that
 * are not known yet. That the ids are git's own is for git to say: the tests compare with `git fast-import`. It does the
 * same, and took three quarters of the time of a delivery; it looks for differences that are known here, and takes no
 * signature (in 2.39).
 */
export async function buildCommits(
  mirror: Mirror,
  cache: TreeCache,
  onto: Head,
  commits: readonly CommitPlan[],
  signer: Signer | null,
): Promise<readonly BuiltCommit[]> {
  const objects = openObjects(mirror, cache)
  const writer = createObjectWriter(mirror.path)
  const built: BuiltCommit[] = []
  try {
    const rootSha = onto === null ? null : await objects.root(onto)
    const root = rootSha === null ? newFolder() : await openFolder(objects, rootSha)
    let parent = onto
    for (const commit of commits) {
      for (const { path, content } of commit.files) {
        checkPath(path)
        if (content === null) await removePath(objects, root, path.split('/'))
        else await writeFile(objects, root, path.split('/'), writer.add('blob', Buffer.from(content)).sha)
      }
      const tree = storeFolder(writer, root)
      parent = writer.add('commit', renderCommit(commit, tree, parent, signer)).sha
      cache.keepRoot(parent, tree)
      built.push({ key: commit.key, sha: parent })
      await writer.relieve()
      // Hundreds of commits take a while, and this process may be answering people.
      if (built.length % 16 === 0) await breathe()
    }
    if (parent !== null && built.length > 0) await writer.finish(BUILT_REF, parent)
    keepFolders(cache, root)
  } finally {
    await objects.close()
  }
  return built
}

/** A directory while commits are made: as it is now, and as it was written last. */
type Folder = {
  tree: Tree
  /** The same, once something is to be changed. */
  own: OpenTree | null
  stored: GitObject | null
  readonly children: Map<string, Folder>
  changed: boolean
}

function newFolder(): Folder {
  return { tree: emptyTree, own: null, stored: null, children: new Map(), changed: true }
}

async function openFolder(objects: Objects, sha: string): Promise<Folder> {
  for await (const tree of objects.trees([sha]))
    return { tree, own: null, stored: { sha, bytes: tree.bytes }, children: new Map(), changed: false }
  throw new Error('bug: a tree was asked for and none came')
}

function changeable(folder: Folder): OpenTree {
  if (folder.own === null) folder.tree = folder.own = openTree(folder.tree)
  return folder.own
}

/** The directory of that name; null: there is none. */
async function childOf(objects: Objects, folder: Folder, name: string): Promise<Folder | null> {
  const open = folder.children.get(name)
  if (open !== undefined) return open
  const entry = findEntry(folder.tree, name)
  if (entry?.kind !== 'directory') return null
  const child = await openFolder(objects, entry.sha)
  folder.children.set(name, child)
  return child
}

async function writeFile(objects: Objects, root: Folder, path: readonly string[], blob: string): Promise<void> {
  let folder = root
  for (const name of path.slice(0, -1)) {
    folder.changed = true
    let child = await childOf(objects, folder, name)
    if (child === null) {
      child = newFolder()
      folder.children.set(name, child)
    }
    folder = child
  }
  const name = path.at(-1) ?? ''
  folder.changed = true
  folder.children.delete(name)
  putEntry(changeable(folder), name, 'file', blob)
}

/** A file, or a directory with all that is in it; what is not there is gone already. */
async function removePath(objects: Objects, root: Folder, path: readonly string[]): Promise<void> {
  const way: Folder[] = [root]
  for (const name of path.slice(0, -1)) {
    const child = await childOf(objects, way.at(-1) ?? root, name)
    if (child === null) return
    way.push(child)
  }
  const folder = way.at(-1) ?? root
  const name = path.at(-1) ?? ''
  const there = folder.children.delete(name) || findEntry(folder.tree, name) !== null
  if (!there) return
  dropEntry(changeable(folder), name)
  for (const changed of way) changed.changed = true
}

/** Writes what has changed, from below; a directory in which nothing is left goes. Answers its id. */
function storeFolder(writer: ObjectWriter, folder: Folder): string {
  if (!folder.changed && folder.stored !== null) return folder.stored.sha
  for (const [name, child] of folder.children) {
    if (!child.changed) continue
    const sha = storeFolder(writer, child)
    if (child.tree.keys.length === 0) {
      folder.children.delete(name)
      dropEntry(changeable(folder), name)
    } else {
      putEntry(changeable(folder), name, 'directory', sha)
    }
  }
  folder.stored = writer.add('tree', folder.tree.bytes, folder.stored)
  folder.changed = false
  return folder.stored.sha
}

/** What the next batch goes on from. */
function keepFolders(cache: TreeCache, { tree, stored, children }: Folder): void {
  for (const child of children.values()) keepFolders(cache, child)
  if (stored !== null) cache.keepTree(stored.sha, tree)
}

function renderCommit(commit: CommitPlan, tree: string, parent: Head, signer: Signer | null): Buffer {
  const seconds = Math.floor(commit.date.getTime() / 1000)
  if (!Number.isSafeInteger(seconds) || seconds < 0) throw new Error('bug: a commit without a date')
  const people = `author ${renderPerson(commit.author)} ${seconds} +0000\ncommitter ${renderPerson(commit.committer)} ${seconds} +0000`
  const head = `tree ${tree}\n${parent === null ? '' : `parent ${parent}\n`}${people}`
  const message = commit.message.replaceAll('\u0000', '')
  const bytes = Buffer.from(`${head}\n\n${message}`)
  if (signer === null) return bytes
  // The signature is the last header; its further lines begin with a space.
  return Buffer.from(`${head}\ngpgsig ${signForGit(signer, bytes).replaceAll('\n', '\n ')}\n\n${message}`)
}

/** `Name <email>` without what would end either; git objects know no escape for it. A name is never empty: fsck refuses that. */
function renderPerson({ name, email }: Person): string {
  return `${identity(name) || identity(email) || 'unknown'} <${identity(email)}>`
}

function identity(text: string): string {
  return text
    .slice(0, 300)
    .replace(/[<>\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
}
