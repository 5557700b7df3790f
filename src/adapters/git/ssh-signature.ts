import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { RepositoryAccess } from '../../core/repository.ts'
import { GitFault } from '../../operations/ports.ts'

/**
 * SSH signatures as git has them in commits, made in this process: `ssh-keygen -Y sign` is a process for each commit,
 * which was seen to take 20 ms where this takes 0.3. Ed25519 only, so one commit signed twice by one key is the same commit.
 */
export type Signer = { readonly key: KeyObject; /** As ssh sends it. */ readonly publicKey: Buffer }

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

/** Null: it is no private Ed25519 key, or one behind a passphrase, which nobody is there to type. */
export function parseSigningKey(text: string): Signer | null {
  const key = text.includes('OPENSSH PRIVATE KEY') ? parseOpenSsh(text) : parsePem(text)
  if (key === null) return null
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key, publicKey: Buffer.concat([string('ssh-ed25519'), string(raw)]) }
}

function parsePem(text: string): KeyObject | null {
  try {
    const key = createPrivateKey(text)
    return key.asymmetricKeyType === 'ed25519' ? key : null
  } catch {
    return null
  }
}

/** In front of 32 bytes they are a private Ed25519 key as PKCS #8 (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** `ssh-keygen`'s own form (OpenSSH's PROTOCOL.key), which OpenSSL does not read. */
function parseOpenSsh(text: string): KeyObject | null {
  const magic = 'openssh-key-v1\0'
  const bytes = Buffer.from(text.replace(/-----[A-Z ]{1,40}-----/g, ''), 'base64')
  if (bytes.toString('latin1', 0, magic.length) !== magic) return null
  try {
    const outer = reader(bytes.subarray(magic.length))
    const cipher = outer.string().toString()
    outer.string()
    outer.string()
    const keys = outer.number()
    outer.string()
    if (cipher !== 'none' || keys !== 1) return null
    const inner = reader(outer.string())
    if (inner.number() !== inner.number() || inner.string().toString() !== 'ssh-ed25519') return null
    inner.string()
    const seed = inner.string().subarray(0, 32)
    return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  } catch {
    // It ends too early, or what stands there is no key.
    return null
  }
}

function reader(bytes: Buffer): { number(): number; string(): Buffer } {
  let at = 0
  const number = () => bytes.readUInt32BE((at += 4) - 4)
  return {
    number,
    string() {
      const length = number()
      if (at + length > bytes.length) throw new RangeError('it ends within a string')
      return bytes.subarray(at, (at += length))
    },
  }
}

/** The armoured signature of a message, in the namespace `git` (OpenSSH's PROTOCOL.sshsig). */
export function signForGit({ key, publicKey }: Signer, message: Buffer): string {
  const common = Buffer.concat([string('git'), string(''), string('sha512')])
  const digest = createHash('sha512').update(message).digest()
  const signature = sign(null, Buffer.concat([Buffer.from('SSHSIG'), common, string(digest)]), key)
  const blob = Buffer.concat([
    Buffer.from('SSHSIG\0\0\0\u0001'),
    string(publicKey),
    common,
    string(Buffer.concat([string('ssh-ed25519'), string(signature)])),
  ])
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----'].join('\n')
}

function string(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
