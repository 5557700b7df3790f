import { GitFault } from '../../operations/ports.ts'

/** The private mirror cannot be trusted any more. It holds nothing that the repository and the database do not have, so it is made anew. */
export class MirrorBroken extends Error {
  constructor(detail: string) {
    super(`the private mirror is broken: ${detail}`)
    this.name = 'MirrorBroken'
  }
}

const FULL_DISK = /No space left on device|Disk quota exceeded|Read-only file system/
const GONE = /does not appear to be a git repository|repository .*not (?:exist|found)|[Pp]ermission denied|dubious ownership|unpacker error/
const MISCONFIGURED = /transport '[^']*' not allowed|invalid refspec|is not a valid (?:ref|branch)|unknown option|is not a git command/

/** Said by git on our side about its own objects; what the other side says about its own begins with `remote:`. */
const DAMAGED =
  /bad object|bad tree|loose object|packfile|pack has|missing (?:blob|tree|commit)|[Uu]nable to read|[Cc]ould not read [0-9a-f]{40}|unresolved delta|pack-objects died|index file|\.lock'?: File exists|invalid sha1 pointer|bad config|not a git repository: /

/** Classifies, once, what made a command fail that talks to the repository. Network and credentials are `again`: they come back by themselves. */
export function remoteFault(stderr: string, names: Names): GitFault | MirrorBroken {
  const detail = lastWords(stderr, names)
  const ours = stderr
    .split('\n')
    .filter((line) => !line.startsWith('remote:'))
    .join('\n')
  if (DAMAGED.test(ours)) return new MirrorBroken(detail)
  if (MISCONFIGURED.test(stderr)) return new GitFault('stop', detail)
  if (FULL_DISK.test(stderr) || GONE.test(stderr)) return new GitFault('wait', detail)
  return new GitFault('again', detail)
}

/**
 * A command on the mirror alone does not fail for any good reason but a full disk or an odd git: objects that are
 * missing, broken files and locks that a killed git left behind all mean the same.
 */
export function localFault(stderr: string, names: Names): GitFault | MirrorBroken {
  const detail = lastWords(stderr, names)
  if (FULL_DISK.test(stderr)) return new GitFault('wait', detail)
  if (MISCONFIGURED.test(stderr)) return new GitFault('stop', detail)
  return new MirrorBroken(detail)
}

/** Server paths that must not be told, by what is said instead. */
export type Names = readonly (readonly [path: string, name: string])[]

/** What git says after ssh, or instead of the server's 401 since nobody is there to be asked. */
const AFTER_SSH = /Could not read from remote repository/
const NO_CREDENTIALS = /could not read (?:Username|Password) for|Authentication failed for/

/** The line of stderr that says most, fit to be shown: one line, no credentials, no server paths, bounded. */
export function lastWords(stderr: string, names: Names): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const fatal = lines.findIndex((line) => line.startsWith('fatal: '))
  if (NO_CREDENTIALS.test(lines[fatal] ?? '')) return 'the repository asks for other credentials than it was given'
  const words =
    (AFTER_SSH.test(lines[fatal] ?? '') ? lines.slice(0, fatal).at(-1) : undefined) ??
    lines.find((line) => line.startsWith('fatal: ')) ??
    lines.findLast((line) => line.startsWith('error: ')) ??
    lines.at(-1) ??
    'failed without a word'
  return cleanText(
    names.reduce((text, [path, name]) => text.replaceAll(path, name), words.replace(/^(?:fatal|error): /, '')),
    300,
  )
}

/** Text from outside as one bounded piece: control characters become spaces (line breaks stay), credentials in URLs go. */
export function cleanText(text: string, limit: number): string {
  const bounded = text.slice(0, limit * 4)
  const plain = bounded.replace(/(?!\n)[\p{Cc}\u2028\u2029]/gu, ' ')
  const safe = plain.replace(/([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@]{1,500}@/gi, '$1').trim()
  return safe.length <= limit ? safe : `${safe.slice(0, limit - 1)}…`
}
