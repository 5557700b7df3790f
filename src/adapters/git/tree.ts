/**
 * A directory of a commit: git's own bytes (`<octal mode> <name>\0<20 bytes>`, again and again) and where each entry is in
 * them, so that one commit more in a directory of a thousand costs a copy and not a parse.
 */
export type Tree = {
  readonly bytes: Buffer
  /** As git sorts them: the bytes of the name, and a slash after that of a directory. */
  readonly keys: readonly string[]
  readonly starts: readonly number[]
}

/** One that is being changed, by the one who has opened it. */
export type OpenTree = { bytes: Buffer; readonly keys: string[]; readonly starts: number[] }

export type EntryKind = 'file' | 'directory' | 'symlink' | 'submodule'
export type TreeEntry = { readonly name: string; readonly kind: EntryKind; readonly sha: string }

export const emptyTree: Tree = { bytes: Buffer.alloc(0), keys: [], starts: [] }

const SHA_BYTES = 20

/** @throws RangeError when it is none, or out of order: looked for in that, what is there would not be found. */
export function parseTree(bytes: Buffer): Tree {
  const keys: string[] = []
  const starts: number[] = []
  let before = ''
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at)
    const end = bytes.indexOf(0, space)
    if (space < 0 || end < 0 || end + 1 + SHA_BYTES > bytes.length) throw new RangeError('it ends within an entry')
    const name = bytes.toString('latin1', space + 1, end)
    const key = kindAt(bytes, at, space) === 'directory' ? `${name}/` : name
    if (key <= before) throw new RangeError('its entries are out of order')
    keys.push(key)
    starts.push(at)
    before = key
    at = end + 1 + SHA_BYTES
  }
  return { bytes, keys, starts }
}

/** The entry of a name, whatever it is; null: there is none. */
export function findEntry(tree: Tree, name: string): TreeEntry | null {
  const key = keyOf(name)
  const index = indexOf(tree, key) ?? indexOf(tree, `${key}/`)
  return index === null ? null : entryAt(tree, index)
}

export function* listEntries(tree: Tree): Generator<TreeEntry> {
  for (let index = 0; index < tree.keys.length; index++) yield entryAt(tree, index)
}

/** A copy to be changed; only the names are copied before the first change. */
export function openTree({ bytes, keys, starts }: Tree): OpenTree {
  return { bytes, keys: keys.slice(), starts: starts.slice() }
}

/** Puts this entry in, and takes out anything else of its name. */
export function putEntry(tree: OpenTree, name: string, kind: 'file' | 'directory', sha: string): void {
  const plain = keyOf(name)
  const [mode, key, other] = kind === 'file' ? ['100644', plain, `${plain}/`] : ['40000', `${plain}/`, plain]
  drop(tree, other)
  const { index, found } = search(tree.keys, key)
  const entry = Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, 'hex')])
  const from = tree.starts[index] ?? tree.bytes.length
  if (!found) {
    tree.keys.splice(index, 0, key)
    tree.starts.splice(index, 0, from)
  }
  replaceBytes(tree, index + 1, from, found ? (tree.starts[index + 1] ?? tree.bytes.length) : from, entry)
}

/** Takes out anything of this name. */
export function dropEntry(tree: OpenTree, name: string): void {
  drop(tree, keyOf(name))
  drop(tree, `${keyOf(name)}/`)
}

function drop(tree: OpenTree, key: string): void {
  const index = indexOf(tree, key)
  if (index === null) return
  const from = tree.starts[index] ?? 0
  const to = tree.starts[index + 1] ?? tree.bytes.length
  tree.keys.splice(index, 1)
  tree.starts.splice(index, 1)
  replaceBytes(tree, index, from, to, Buffer.alloc(0))
}

/** The bytes that were there are left as they are: who has them compares. */
function replaceBytes(tree: OpenTree, next: number, from: number, to: number, entry: Buffer): void {
  const grown = entry.length - (to - from)
  const { starts } = tree
  if (grown !== 0) for (let index = next; index < starts.length; index++) starts[index] = (starts[index] ?? 0) + grown
  tree.bytes = Buffer.concat([tree.bytes.subarray(0, from), entry, tree.bytes.subarray(to)])
}

/** Names are compared as bytes; as latin1 each byte is one character, and JavaScript compares those. */
function keyOf(name: string): string {
  return Buffer.from(name).toString('latin1')
}

function indexOf({ keys }: { readonly keys: readonly string[] }, key: string): number | null {
  const { index, found } = search(keys, key)
  return found ? index : null
}

function search(keys: readonly string[], key: string): { readonly index: number; readonly found: boolean } {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return { index: low, found: keys[low] === key }
}

function entryAt({ bytes, starts }: Tree, index: number): TreeEntry {
  const at = starts[index] ?? 0
  const end = starts[index + 1] ?? bytes.length
  const space = bytes.indexOf(0x20, at)
  return {
    name: bytes.toString('utf8', space + 1, end - SHA_BYTES - 1),
    kind: kindAt(bytes, at, space),
    sha: bytes.toString('hex', end - SHA_BYTES, end),
  }
}

/** By the first digits of the mode; a few old trees have a zero before that of a directory. */
function kindAt(bytes: Buffer, at: number, space: number): EntryKind {
  const mode = bytes.toString('latin1', at, space)
  return mode === '40000' || mode === '040000' ? 'directory' : mode === '120000' ? 'symlink' : mode === '160000' ? 'submodule' : 'file'
}
