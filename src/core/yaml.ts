import { isPair, isScalar, Lexer, parseAllDocuments, visit, type Document, type YAMLMap } from 'yaml'
import { codeFrame } from './code-frame.ts'
import type { Json, JsonObject } from './json.ts'
import type { FieldError } from './problem.ts'
import { ok, refuse, type Result } from './result.ts'

export type YamlLimits = { readonly length: number; readonly tokens: number }
const maxDocuments = 1_000
/**
 * Characters; a body is at most 1 MiB anyhow. Parsing takes some ten microseconds a token, during which nothing else is
 * answered; 450 KiB written by people have as many.
 */
const ofBodies: YamlLimits = { length: 1024 * 1024, tokens: 150_000 }
/** Where nobody else waits meanwhile, as in the command: the largest published definition has 1.4 MB, a folder of them ten. */
export const ofFiles: YamlLimits = { length: 16 * 1024 * 1024, tokens: 3_000_000 }
/** Each is looked up by a walk through its document. */
const maxAliases = 200
const maxErrors = 20

/** The documents of a YAML 1.2 stream (JSON is YAML too), empty ones left out. Duplicate keys, unknown tags and numbers that JSON lacks are refused. */
export function parseYamlDocuments(text: string, limits = ofBodies): Result<readonly unknown[], readonly FieldError[]> {
  if (text.length > limits.length) return refuse([{ pointer: '', detail: `is larger than ${limits.length / ofBodies.length} MiB` }])
  const tooMuch = measure(text, limits.tokens)
  if (tooMuch !== null) return refuse([{ pointer: '', detail: tooMuch }])
  try {
    return parse(text)
  } catch (error) {
    // The composer recurses, and aliases are counted only when they are resolved.
    if (error instanceof RangeError) return refuse([{ pointer: '', detail: 'is nested too deeply' }])
    if (error instanceof ReferenceError) return refuse([{ pointer: '', detail: 'uses too many aliases, or one that is not defined' }])
    throw error
  }
}

/** What is too much of it, found by a look at its tokens, which costs a fraction of parsing them. */
function measure(text: string, maxTokens: number): string | null {
  let tokens = 0
  let aliases = 0
  for (const token of new Lexer().lex(text)) {
    if (++tokens > maxTokens) return 'has too many parts for YAML; send it in several bodies, or as JSON'
    if (token.startsWith('*') && ++aliases > maxAliases) return `uses more than ${maxAliases} aliases`
  }
  return null
}

function parse(text: string): Result<readonly unknown[], readonly FieldError[]> {
  // The library compares every key of a map with every other: 90,000 keys took it minutes. `repeatedKeys` does it in one pass.
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    strict: true,
    uniqueKeys: false,
    stringKeys: true,
    prettyErrors: false,
    logLevel: 'silent',
  })
  if (!Array.isArray(documents)) return ok([])
  if (documents.length > maxDocuments) return refuse([{ pointer: '', detail: `has more than ${maxDocuments} documents` }])
  const errors = documents
    .flatMap((document) => [...mistakes(document.errors), ...mistakes(document.warnings), ...repeatedKeys(document)])
    .slice(0, maxErrors)
  if (errors.length > 0) return refuse(errors.map((error) => errorAt(text, error)))
  const values: unknown[] = documents.map((document) => document.toJS({ maxAliasCount: 50 })).filter((value) => value !== null)
  if (values.some(hasOddNumber)) return refuse([{ pointer: '', detail: 'has a number that is infinite or none (.inf, .nan)' }])
  return ok(values)
}

type Mistake = { readonly at: number; readonly message: string }

function mistakes(errors: Document['errors'] | Document['warnings']): readonly Mistake[] {
  return errors.slice(0, maxErrors).map(({ pos, message }) => ({ at: pos[0], message }))
}

function repeatedKeys(document: Document): readonly Mistake[] {
  const found: Mistake[] = []
  const look = (map: YAMLMap): symbol | undefined => {
    const seen = new Set<unknown>()
    for (const pair of map.items) {
      if (!isPair(pair) || !isScalar(pair.key)) continue
      const { value, range } = pair.key
      if (seen.has(value)) found.push({ at: range?.[0] ?? 0, message: 'Map keys must be unique' })
      seen.add(value)
    }
    return found.length < maxErrors ? undefined : visit.BREAK
  }
  visit(document, { Map: (_key, map) => look(map) })
  return found
}

function errorAt(text: string, { at, message }: Mistake): FieldError {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  const column = at - (before.lastIndexOf('\n') + 1) + 1
  return { pointer: '', detail: `line ${line}, column ${column}: ${message}`, frame: codeFrame(text, at) }
}

function hasOddNumber(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(hasOddNumber)
}

/**
 * Byte-stable YAML: the same value, the same bytes, and no reader (1.1 or 1.2) takes a string for something else. An own
 * emitter, since js-yaml's dumper was seen to write what readers refuse or misread: `---` as a plain key, `.` plain (null
 * to a 1.1 reader), indented blocks at the root. Lists are not indented below their key, as kubectl writes them.
 */
export function emitYaml(value: Json): string {
  if (isBlockList(value)) return `${listLines(value, '').trimStart()}\n`
  if (isBlockMap(value)) return `${mapLines(value, '').trimStart()}\n`
  return `${scalar(value)}\n`
}

function isBlockList(value: Json): value is readonly Json[] {
  return Array.isArray(value) && value.length > 0
}

function isBlockMap(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
}

function mapLines(map: JsonObject, indent: string): string {
  let lines = ''
  for (const key of Object.keys(map)) {
    lines += `${lines === '' ? '' : '\n'}${indent}${emitKey(key, indent)}:${afterKey(map[key] ?? null, indent)}`
  }
  return lines
}

/** Readers look ahead 1,024 characters for a key's colon; a longer key is marked. */
function emitKey(key: string, indent: string): string {
  const text = quoted(key)
  return text.length > 1_000 ? `? ${text}\n${indent}` : text
}

function afterKey(value: Json, indent: string): string {
  if (isBlockList(value)) return `\n${listLines(value, indent)}`
  if (isBlockMap(value)) return `\n${mapLines(value, `${indent}  `)}`
  return ` ${blockOrScalar(value, `${indent}  `)}`
}

function listLines(list: readonly Json[], indent: string): string {
  const inner = `${indent}  `
  const item = (value: Json): string => {
    // The first line of what is nested stands behind the dash.
    if (isBlockList(value)) return listLines(value, inner).slice(inner.length)
    if (isBlockMap(value)) return mapLines(value, inner).slice(inner.length)
    return blockOrScalar(value, inner)
  }
  return list.map((value) => `${indent}- ${item(value)}`).join('\n')
}

function blockOrScalar(value: Json, indent: string): string {
  if (typeof value !== 'string' || !isPlainProse(value)) return scalar(value)
  const closed = value.endsWith('\n')
  const lines = (closed ? value.slice(0, -1) : value).split('\n')
  return `|${closed ? '' : '-'}\n${lines.map((line) => (line === '' ? '' : indent + line)).join('\n')}`
}

/**
 * Text of several lines that a literal block carries without any trick: scripts and configuration stay readable in a
 * diff. Anything with odd characters, outer or trailing space is quoted instead.
 */
function isPlainProse(text: string): boolean {
  return (
    text.includes('\n') &&
    /^\S/.test(text) &&
    !text.endsWith('\n\n') &&
    !/[ \t](\n|$)/.test(text) &&
    !/[^\n\t\x20-\x7e\u00a1-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u.test(text.replace(astral, '')) &&
    !/[\u2028\u2029]/.test(text)
  )
}

const astral = /[\u{10000}-\u{10ffff}]/gu

function scalar(value: Json): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return emitNumber(value)
  return JSON.stringify(value)
}

/** YAML 1.1 sees a float only where there is a point: `1.0e+21`. */
function emitNumber(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`${value} is not JSON`)
  const text = JSON.stringify(value)
  return text.includes('e') && !text.includes('.') ? text.replace('e', '.0e') : text
}

/** Begins with a letter, a slash or an underscore, and has nothing that means something to any reader. */
const plain = /^[A-Za-z/_][A-Za-z0-9_./@+,;=() -]*(:[A-Za-z0-9_./@+,;=()-][A-Za-z0-9_./@+,;=() -]*)*$/
/** Words that some reader takes for true, false, null or a number. */
const words = /^(y|yes|n|no|on|off|true|false|null|nan|inf|_[\d_]*|e[+-]?\d+)$/i
const unprintable = /[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]/g

/** Plain where that is beyond doubt, else in double quotes with JSON's escapes, which YAML shares. */
function quoted(text: string): string {
  if (plain.test(text) && !text.endsWith(' ') && !words.test(text)) return text
  return JSON.stringify(text).replace(unprintable, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
