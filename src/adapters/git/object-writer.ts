import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { GitFault } from '../../operations/ports.ts'
import { MirrorBroken } from './faults.ts'
import { createPack, levelOf, type GitObject, type ObjectType, type Pack } from './pack.ts'

/**
 * Puts objects into a repository of our own, as git would: a few lie loose, many are a pack. Nobody sees any of them before
 * all of them are there, since nothing names them; what a killed process leaves is swept up by `maintain`. Nothing is
 * synced to disk: what is lost is built again.
 */
export type ObjectWriter = {
  /** `before`, where it was added too, is what a directory was: then only what differs is written. */
  add(type: ObjectType, bytes: Buffer, before?: GitObject | null): GitObject
  /** Writes when much has come together. */
  relieve(): Promise<void>
  /** Writes what has not been written, and then the ref. */
  finish(ref: string, sha: string): Promise<void>
}

/** As `fastimport.unpackLimit` is by default. */
const MAX_LOOSE = 100
/** Directories are written whole now and then, and one can be megabytes. */
const MAX_PACK_BYTES = 32 << 20

/** `expected`: about how many objects. */
export function createObjectWriter(path: string, expected: number): ObjectWriter {
  const objects = join(path, 'objects')
  const loose: { readonly sha: string; readonly data: Buffer }[] = []
  let pack: Pack | null = expected > MAX_LOOSE ? createPack() : null

  function add(type: ObjectType, bytes: Buffer, before: GitObject | null = null): GitObject {
    const header = Buffer.from(`${type} ${bytes.length}\0`, 'latin1')
    const object = { sha: createHash('sha1').update(header).update(bytes).digest('hex'), bytes }
    if (pack !== null) pack.add(type, object, before)
    else loose.push({ sha: object.sha, data: deflateSync(Buffer.concat([header, bytes]), { level: levelOf(type) }) })
    return object
  }

  async function write(): Promise<void> {
    if (pack !== null) {
      if (pack.size() === 0) return
      const { name, data, index } = pack.close()
      // Git looks for the index, so that comes last.
      await put(join(objects, 'pack', `pack-${name}.pack`), data)
      await put(join(objects, 'pack', `pack-${name}.idx`), index)
      pack = createPack()
      return
    }
    await Promise.all([...new Map(loose.map(({ sha, data }) => [sha, data]))].map(([sha, data]) => putLoose(sha, data)))
    loose.length = 0
  }

  async function putLoose(sha: string, data: Buffer): Promise<void> {
    const folder = join(objects, sha.slice(0, 2))
    await mkdir(folder).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
    await put(join(folder, sha.slice(2)), data)
  }

  /** What is not whole yet is where `maintain` looks for crumbs. */
  async function put(file: string, data: Buffer): Promise<void> {
    const unfinished = join(objects, 'pack', `tmp_purser_${randomUUID()}`)
    await writeFile(unfinished, data, { mode: 0o444 })
    await rename(unfinished, file)
  }

  return {
    add,
    relieve: async () => {
      if (pack !== null && pack.size() > MAX_PACK_BYTES) await classified(write)
    },
    finish: (ref, sha) =>
      classified(async () => {
        await write()
        await mkdir(join(path, dirname(ref)), { recursive: true })
        await put(join(path, ref), Buffer.from(`${sha}\n`))
      }),
  }
}

async function classified(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EROFS')
      throw new GitFault('wait', `the mirror cannot be written to (${code})`, { cause: error })
    throw code === null ? error : new MirrorBroken(`it cannot be written to (${code})`)
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}
