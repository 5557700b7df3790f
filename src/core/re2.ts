import { RE2JS } from 're2js'
import { refuse, ok, type Result } from './result.ts'

/**
 * The only regular expressions that ever meet a caller's text: RE2 (https://github.com/google/re2/wiki/Syntax), linear in
 * that text, without look-around and back-references. JavaScript's own engine took 14.8 s over 29 characters.
 */
export type Pattern = {
  readonly source: string
  test(text: string): boolean
  /** What it matches, from the left, `limit` times at most. */
  findAll(text: string, limit: number): readonly string[]
}

export const maxPatternLength = 1_000

/** Compiling takes up to some milliseconds, and an expression may build its pattern anew for each item of a list. */
const compiled = new Map<string, Result<Pattern, string>>()
const maxCompiled = 500

/** A pattern, or what is wrong with it as a clause ("does not compile: …"). Found anywhere in the text unless anchored. */
export function compilePattern(source: string): Result<Pattern, string> {
  const known = compiled.get(source)
  if (known !== undefined) return known
  const result = compileAfresh(source)
  // The oldest goes first: good enough, since the same few patterns come again and again.
  for (const oldest of compiled.keys()) {
    if (compiled.size < maxCompiled) break
    compiled.delete(oldest)
  }
  compiled.set(source, result)
  return result
}

function compileAfresh(source: string): Result<Pattern, string> {
  if (source.length > maxPatternLength) return refuse(`is longer than ${maxPatternLength} characters`)
  try {
    const pattern = RE2JS.compile(source)
    return ok({ source, test: (text) => pattern.test(text), findAll: (text, limit) => findAll(pattern, text, limit) })
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error)
    return refuse(`is no RE2 pattern: ${why}`)
  }
}

function findAll(pattern: RE2JS, text: string, limit: number): readonly string[] {
  const matcher = pattern.matcher(text)
  const found: string[] = []
  while (found.length < limit && matcher.find()) found.push(matcher.group() ?? '')
  return found
}
