import { isObject } from '../core/json.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { readDocuments, type Unreadable } from './documents.ts'
import { exits, type Io } from './io.ts'
import { parseChange, type ChangeOptions } from './short-form.ts'

/** The options that `plan` and `request` share. */
export type InputOptions = ChangeOptions & {
  readonly file?: string
  readonly team?: string
  readonly env?: string
  readonly reason?: string
  readonly planDigest?: string
}

/**
 * The body of POST /v1/plans or /v1/requests, from a file or from words. What a file holds is sent as it is: the
 * server judges it, so that its errors are the same as anybody's.
 */
export async function readRequestInput(
  words: readonly string[],
  options: InputOptions,
  io: Io,
): Promise<Result<Readonly<Record<string, unknown>>, Unreadable>> {
  const over = {
    ...(options.team === undefined ? {} : { team: options.team }),
    ...(options.env === undefined ? {} : { environment: options.env }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(options.planDigest === undefined ? {} : { planDigest: options.planDigest }),
  }
  if (options.file !== undefined) {
    if (words.length > 0) return usage('Give either -f FILE or the change in words')
    if (options.ttl !== undefined || options.blueprint !== undefined || options.overwrite === true)
      return usage('--ttl, --blueprint and --overwrite belong into the file')
    const spec = await readRequestFile(options.file, io)
    return spec.ok ? ok({ ...spec.value, ...over }) : spec
  }
  const change = parseChange(words, options)
  if (!change.ok) return usage(change.problem)
  if (options.team === undefined || options.env === undefined) return usage('Say for whom and where: --team TEAM --env ENVIRONMENT')
  return ok({ ...over, changes: [change.value] })
}

/** A document of kind Request gives its spec; anything else without a kind is the body itself. */
async function readRequestFile(path: string, io: Io): Promise<Result<Readonly<Record<string, unknown>>, Unreadable>> {
  const documents = await readDocuments([path], io)
  if (!documents.ok) return documents
  const [document, ...more] = documents.value
  if (document === undefined || more.length > 0) return usage(`${path} holds ${documents.value.length} documents; a request is one`)
  if (!isObject(document.content)) return usage(`${document.source} holds no request`)
  const { kind, spec } = document.content
  if (kind === undefined) return ok(document.content)
  if (kind !== 'Request' || !isObject(spec)) return usage(`${document.source} is no document of kind Request with a spec`)
  return ok(spec)
}

function usage(line: string): { readonly ok: false; readonly problem: Unreadable } {
  return refuse({ lines: [line], exit: exits.usage })
}
