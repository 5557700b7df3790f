import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GitFault } from '../../operations/ports.ts'
import { MirrorBroken } from './faults.ts'
import { createPack, type GitObject, type ObjectType } from './pack.ts'

/**
 * Puts objects into a mirror, as one pack: two files, where eight commits loose are fifty and took ten times as long. Nobody
 * sees any of them before all of them are there, since nothing names them; what a killed process leaves is swept up by
 * `maintain`. Nothing is synced to disk: what is lost is built again.
 */
export type ObjectWriter = {
  /** `before`, where it was added too, is what a directory was: then only what differs is written. */
  add(type: ObjectType, bytes: Buffer, before?: GitObject | null): GitObject
  /** Writes when much has come together. */
  relieve(): Promise<void>
  /** Writes what has not been written, and then the ref. */
  finish(ref: string, sha: string): Promise<void>
}

/** Directories are written whole now and then, and one can be megabytes. */
const MAX_PACK_BYTES = 32 << 20

export function createObjectWriter(path: string): ObjectWriter {
  const folder = join(path, 'objects/pack')
  let pack = createPack()

  function add(type: ObjectType, bytes: Buffer, before: GitObject | null = null): GitObject {
    const header = Buffer.from(`${type} ${bytes.length}\0`, 'latin1')
    const object = { sha: createHash('sha1').update(header).update(bytes).digest('hex'), bytes }
    pack.add(type, object, before)
    return object
  }

  async function write(): Promise<void> {
    if (pack.size() === 0) return
    const { name, data, index } = pack.close()
    // Git looks for the index, so that comes last.
    await put(join(folder, `pack-${name}.pack`), data)
    await put(join(folder, `pack-${name}.idx`), index)
    pack = createPack()
  }

  /** What is not whole yet is where `maintain` looks for crumbs. */
  async function put(file: string, data: Buffer): Promise<void> {
    const unfinished = join(folder, `tmp_purser_${randomUUID()}`)
    await writeFile(unfinished, data, { mode: 0o444 })
    await rename(unfinished, file)
  }

  return {
    add,
    relieve: async () => {
      if (pack.size() > MAX_PACK_BYTES) await classified(write)
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
