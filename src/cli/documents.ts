import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isObject } from '../core/json.ts'
import type { FieldError } from '../core/problem.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { exits, readStdin, type Io } from './io.ts'

/** A document and where it came from, for messages. */
export type SourcedDocument = { readonly source: string; readonly content: unknown }

/** Why nothing could be read: what to print, and the exit code. */
export type Unreadable = { readonly lines: readonly string[]; readonly exit: number }

/** The server takes no larger body; the check here names the file. What is sent in several has another limit. */
export const LIMIT_BYTES = 1024 * 1024
const extensions = ['.yaml', '.yml', '.json']

/** The documents of files, directories (recursively, in order of name) and `-` for standard input. */
export async function readDocuments(
  paths: readonly string[],
  io: Io,
  { limit = LIMIT_BYTES }: { readonly limit?: number } = {},
): Promise<Result<readonly SourcedDocument[], Unreadable>> {
  const { ofFiles, parseYamlDocuments } = await import('../core/yaml.ts')
  const documents: SourcedDocument[] = []
  for (const path of paths) {
    const texts = path === '-' ? await readInput(io, limit) : readPath(path, limit)
    if (!texts.ok) return texts
    for (const { source, text } of texts.value) {
      const parsed = limit > LIMIT_BYTES ? parseYamlDocuments(text, ofFiles) : parseYamlDocuments(text)
      if (!parsed.ok) return refuse({ lines: parsed.problem.flatMap((error) => describe(source, error)), exit: exits.refused })
      documents.push(...parsed.value.map((content) => ({ source, content })))
    }
  }
  return documents.length === 0 ? unusable(`There are no documents in ${paths.join(', ')}`) : ok(documents)
}

type SourcedText = { readonly source: string; readonly text: string }

async function readInput(io: Io, limit: number): Promise<Result<readonly SourcedText[], Unreadable>> {
  const text = await readStdin(io, limit)
  return text === null ? unusable(`Standard input is larger than ${mebibytes(limit)}`) : ok([{ source: 'standard input', text }])
}

function mebibytes(bytes: number): string {
  return `${bytes / LIMIT_BYTES} MiB`
}

function readPath(path: string, limit: number): Result<readonly SourcedText[], Unreadable> {
  try {
    const files = statSync(path).isDirectory() ? filesBelow(path) : [path]
    const large = files.find((file) => statSync(file).size > limit)
    if (large !== undefined) return unusable(`${large} is larger than ${mebibytes(limit)}`)
    return ok(files.map((file) => ({ source: file, text: readFileSync(file, 'utf8') })))
  } catch (error) {
    if (error instanceof Error && 'code' in error) return unusable(`Cannot read ${path} (${String(error.code)})`)
    throw error
  }
}

/** Hidden entries are left out: `.git`, and the `..data` of mounted ConfigMaps. Linked files count, linked directories do not: they may be a cycle. */
function filesBelow(directory: string): readonly string[] {
  const entries = readdirSync(directory, { withFileTypes: true }).filter((entry) => !entry.name.startsWith('.'))
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name)
      if (entry.isDirectory()) return filesBelow(path)
      if (!extensions.some((extension) => entry.name.endsWith(extension))) return []
      return entry.isSymbolicLink() && statSync(path).isDirectory() ? [] : [path]
    })
}

function describe(source: string, error: FieldError): readonly string[] {
  return [`${source}: ${error.detail}`, ...(error.frame === undefined ? [] : [error.frame])]
}

function unusable(line: string): { readonly ok: false; readonly problem: Unreadable } {
  return refuse({ lines: [line], exit: exits.usage })
}

/** `Policy databases in platform/policies.yaml`, as far as the document says. */
export function nameDocument(document: SourcedDocument): string {
  const content = isObject(document.content) ? document.content : {}
  const metadata = isObject(content.metadata) ? content.metadata : {}
  const name = [content.kind, metadata.name].filter((word) => typeof word === 'string').join(' ')
  return name === '' ? document.source : `${name} in ${document.source}`
}
