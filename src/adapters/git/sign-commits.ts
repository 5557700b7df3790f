import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { deflateSync } from 'node:zlib'
import type { RepositoryAccess } from '../../core/repository.ts'
import { GitFault, type BuiltCommit } from '../../operations/ports.ts'
import { MirrorBroken } from './faults.ts'
import { BUILT_REF, type Mirror } from './mirror.ts'
import { parseSigningKey, signForGit, type Signer } from './ssh-signature.ts'

/**
 * Signed commits, by a way around `git fast-import`, which in git 2.39 takes no signature: what it built is read back, each
 * commit gets its signed parent and its signature, and all of them go into the mirror as one pack.
 */

/** Null: commits are not signed. Reads the key that the environment names, anew each time. */
export async function readSigner({ signingKey }: RepositoryAccess): Promise<Signer | null> {
  if (signingKey === undefined) return null
  const text = await readFile(signingKey.file, 'utf8').catch((cause: unknown) => {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw new GitFault('wait', `the file that gitops.signingKey names cannot be read (${code})`, { cause })
  })
  const signer = parseSigningKey(text)
  if (signer === null)
    throw new GitFault('wait', 'what gitops.signingKey names is no private Ed25519 key without a passphrase (ssh-keygen -t ed25519)')
  return signer
}

/** The same commits, signed. `built` is a chain, as `buildCommits` makes it. */
export async function signCommits(mirror: Mirror, built: readonly BuiltCommit[], signer: Signer): Promise<readonly BuiltCommit[]> {
  if (built.length === 0) return []
  const input = Buffer.from(built.map(({ sha }) => `${sha}\n`).join(''))
  const bodies = splitBatch((await mirror.local(['cat-file', '--batch'], { input })).stdout, built.length)
  const signed: { readonly key: string; readonly sha: string; readonly body: Buffer }[] = []
  built.forEach(({ key }, i) => {
    const body = signed.length === 0 ? bodies[i] : withParent(bodies[i], built[i - 1]?.sha, signed[i - 1]?.sha)
    if (body === undefined) throw new Error('bug: a commit that was built is not there')
    const whole = withSignature(body, signForGit(signer, body))
    signed.push({ key, sha: objectName(whole), body: whole })
  })
  // As fast-import does it: few objects lie loose, many are a pack.
  const into = signed.length < 100 ? ['unpack-objects', '-q'] : ['index-pack', '--stdin']
  await mirror.local(into, { input: packOf(signed.map(({ body }) => body)) })
  await mirror.local(['update-ref', BUILT_REF, signed.at(-1)?.sha ?? ''])
  return signed.map(({ key, sha }) => ({ key, sha }))
}

/** `<name> commit <size> LF <content> LF`, again and again. */
function splitBatch(output: Buffer, count: number): readonly Buffer[] {
  const bodies: Buffer[] = []
  for (let at = 0; bodies.length < count;) {
    const end = output.indexOf(0x0a, at)
    const [, type, size] = output.toString('latin1', at, end).split(' ')
    if (end < 0 || type !== 'commit' || size === undefined) throw new MirrorBroken('a commit that was built is not there')
    bodies.push(output.subarray(end + 1, end + 1 + Number(size)))
    at = end + 2 + Number(size)
  }
  return bodies
}

/** The second line of a commit that has one parent, after `tree <40 hex>`. */
const PARENT_AT = 'tree '.length + 40 + 1

function withParent(body: Buffer | undefined, before: string | undefined, after: string | undefined): Buffer {
  const line = `parent ${before ?? ''}\n`
  if (body?.toString('latin1', PARENT_AT, PARENT_AT + line.length) !== line)
    throw new Error('bug: the commits that were built are no chain')
  return Buffer.concat([body.subarray(0, PARENT_AT), Buffer.from(`parent ${after ?? ''}\n`), body.subarray(PARENT_AT + line.length)])
}

/** The signature is the last header; its further lines begin with a space. */
function withSignature(body: Buffer, signature: string): Buffer {
  const end = body.indexOf('\n\n')
  const header = `\ngpgsig ${signature.replaceAll('\n', '\n ')}`
  return Buffer.concat([body.subarray(0, end), Buffer.from(header), body.subarray(end)])
}

function objectName(body: Buffer): string {
  return createHash('sha1').update(`commit ${body.length}\0`).update(body).digest('hex')
}

/** A pack of commits (gitformat-pack(5)). */
function packOf(bodies: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(12)
  head.write('PACK')
  head.writeUInt32BE(2, 4)
  head.writeUInt32BE(bodies.length, 8)
  const content = Buffer.concat([head, ...bodies.flatMap((body) => [entryHeader(body.length), deflateSync(body, { level: 1 })])])
  return Buffer.concat([content, createHash('sha1').update(content).digest()])
}

/** The type, commit, and the size: four bits of it, then seven a byte. */
function entryHeader(size: number): Buffer {
  const bytes = [(1 << 4) | (size & 15)]
  for (let rest = size >> 4; rest > 0; rest >>= 7) {
    bytes.push((bytes.pop() ?? 0) | 0x80, rest & 0x7f)
  }
  return Buffer.from(bytes)
}
