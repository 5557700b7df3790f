import { createHash } from 'node:crypto'
import { crc32, deflateSync } from 'node:zlib'
import { encodeDelta } from './delta.ts'

export type ObjectType = 'commit' | 'tree' | 'blob'
export type GitObject = { readonly sha: string; readonly bytes: Buffer }

/**
 * A pack and its index (gitformat-pack(5)), made in memory. `git fast-import` and `git index-pack` would look for the
 * differences between two directories by reading both, and hash every directory once more; here both are known.
 */
export type Pack = {
  /** Once is enough: an object that is there already is passed over. */
  add(type: ObjectType, object: GitObject, before: GitObject | null): void
  /** Bytes so far. */
  size(): number
  close(): { readonly name: string; readonly data: Buffer; readonly index: Buffer }
}

type Entry = { readonly offset: number; readonly crc: number; readonly depth: number }

const TYPES: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3 }
const OFS_DELTA = 6
const HEADER_BYTES = 12
/** As `pack.depth` is by default: who reads the last one of a chain goes through all of it. */
const MAX_DEPTH = 50

export function createPack(): Pack {
  const parts: Buffer[] = []
  const entries = new Map<string, Entry>()
  let offset = HEADER_BYTES

  function push(sha: string, depth: number, head: Buffer, packed: Buffer): void {
    entries.set(sha, { offset, crc: crc32(packed, crc32(head)), depth })
    parts.push(head, packed)
    offset += head.length + packed.length
  }

  function add(type: ObjectType, { sha, bytes }: GitObject, before: GitObject | null): void {
    if (entries.has(sha)) return
    const base = before === null ? undefined : entries.get(before.sha)
    const delta = before === null || base === undefined || base.depth >= MAX_DEPTH ? null : encodeDelta(before.bytes, bytes)
    if (base === undefined || delta === null) return push(sha, 0, entryHeader(TYPES[type], bytes.length), pack(bytes, levelOf(type)))
    const head = Buffer.concat([entryHeader(OFS_DELTA, delta.length), distance(offset - base.offset)])
    push(sha, base.depth + 1, head, pack(delta, 0))
  }

  function close(): { name: string; data: Buffer; index: Buffer } {
    const head = Buffer.alloc(HEADER_BYTES)
    head.write('PACK')
    head.writeUInt32BE(2, 4)
    head.writeUInt32BE(entries.size, 8)
    const content = Buffer.concat([head, ...parts])
    const checksum = createHash('sha1').update(content).digest()
    return { name: checksum.toString('hex'), data: Buffer.concat([content, checksum]), index: indexOf(entries, checksum) }
  }

  return { add, size: () => offset - HEADER_BYTES, close }
}

/** Ids of objects, which directories are full of, cannot be made shorter; trying takes longer than all the rest. */
function levelOf(type: ObjectType): number {
  return type === 'tree' ? 0 : 1
}

function pack(bytes: Buffer, level: number): Buffer {
  if (bytes.length < (level === 0 ? MAX_BLOCK : MIN_COMPRESSED)) return wrap(bytes)
  // Most of the time goes into making the window ready, and most objects are far smaller than one.
  return deflateSync(bytes, bytes.length < 4_096 ? { level, windowBits: 12, memLevel: 5 } : { level })
}

/** What one stored block can hold is 65,535; below this it is quicker here than the way to zlib. */
const MAX_BLOCK = 2_048
/** A small manifest would lose a few dozen bytes, for as long as all the rest of its commit takes. */
const MIN_COMPRESSED = 256

/** A zlib stream of one stored block (RFC 1950, RFC 1951). */
function wrap(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length + 11)
  out.writeUInt16BE(0x7801, 0)
  out[2] = 1
  out.writeUInt16LE(bytes.length, 3)
  out.writeUInt16LE(~bytes.length & 0xffff, 5)
  bytes.copy(out, 7)
  let [a, b] = [1, 0]
  for (const byte of bytes) {
    a += byte
    b += a
  }
  out.writeUInt32BE((b % 65_521) * 65_536 + (a % 65_521), bytes.length + 7)
  return out
}

/** The type and the size: four bits of it, then seven a byte. */
function entryHeader(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)]
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push((bytes.pop() ?? 0) | 0x80, rest & 0x7f)
  }
  return Buffer.from(bytes)
}

/** How far before this entry its base begins; each further byte stands for one more than its digits say. */
function distance(value: number): Buffer {
  const bytes = [value & 0x7f]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (--rest & 0x7f))
  return Buffer.from(bytes)
}

/** Version 2: how many up to each first byte, the ids, their checksums, where they are. A pack is far below 2 GiB. */
function indexOf(entries: ReadonlyMap<string, Entry>, checksum: Buffer): Buffer {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
  const fanout = Buffer.alloc(256 * 4)
  const counts = new Uint32Array(256)
  for (const [sha] of sorted) {
    const first = Number.parseInt(sha.slice(0, 2), 16)
    counts[first] = (counts[first] ?? 0) + 1
  }
  let total = 0
  counts.forEach((count, first) => fanout.writeUInt32BE((total += count), first * 4))
  const numbers = (of: (entry: Entry) => number) => {
    const table = Buffer.alloc(sorted.length * 4)
    sorted.forEach(([, entry], index) => table.writeUInt32BE(of(entry), index * 4))
    return table
  }
  const content = Buffer.concat([
    Buffer.from('ff744f6300000002', 'hex'),
    fanout,
    Buffer.from(sorted.map(([sha]) => sha).join(''), 'hex'),
    numbers((entry) => entry.crc),
    numbers((entry) => entry.offset),
    checksum,
  ])
  return Buffer.concat([content, createHash('sha1').update(content).digest()])
}
