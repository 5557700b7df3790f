import { codeFrame } from './code-frame.ts'
import { compileExpression, EvaluationError, type Expression, type ExpressionEnvironment, type Values } from './expression.ts'
import { absent, fromCel, toText } from './expression/values.ts'
import { isObject, pointerToken, setOwn, type Json, type JsonObject } from './json.ts'
import type { FieldError } from './problem.ts'
import { ok, refuse, type Result } from './result.ts'

/**
 * Trees with `${CEL}` in their strings. A leaf that is nothing but one expression takes its typed value; expressions in
 * longer text are converted to text. Nothing is ever parsed after it was put in, so text in parameters stays text.
 */
export type Template = {
  /** Throws EvaluationError, whose message names the pointer of the leaf. */
  render(values: Values): Json
}

export type TextTemplate = { render(values: Values): string }

type Rendered = Json | typeof absent
type Renderer = (values: Values) => Rendered

/** What is the same whatever the values; most of a manifest is. */
type Constant = { readonly constant: Json }
type Node = Renderer | Constant

/**
 * A tree whose string leaves may hold `${CEL}`. `pointer` is where the tree stands in its document. A map entry or list
 * element that yields `optional.none()` is left out; a whole tree that does so is null. Keys are literal.
 */
export function compileTemplate(tree: Json, env: ExpressionEnvironment, pointer: string): Result<Template, readonly FieldError[]> {
  const errors: FieldError[] = []
  const node = compileNode(tree, env, pointer, errors)
  if (errors.length > 0) return refuse(errors)
  return ok({
    render: (values) => {
      const rendered = render(node, values)
      return rendered === absent ? null : rendered
    },
  })
}

/** A message: text with `${CEL}` in it, always rendered to text. */
export function compileText(text: string, env: ExpressionEnvironment, pointer: string): Result<TextTemplate, readonly FieldError[]> {
  const errors: FieldError[] = []
  const render = compileParts(split(text), text, env, pointer, errors)
  return errors.length > 0 ? refuse(errors) : ok({ render })
}

function render(node: Node, values: Values): Rendered {
  return typeof node === 'function' ? node(values) : node.constant
}

function compileNode(node: Json, env: ExpressionEnvironment, pointer: string, errors: FieldError[]): Node {
  if (typeof node === 'string') return compileLeaf(node, env, pointer, errors)
  if (Array.isArray(node)) {
    const items = node.map((item: Json, i) => compileNode(item, env, pointer + pointerToken(i), errors))
    if (items.every((item) => typeof item !== 'function')) return { constant: items.map((item) => item.constant) }
    return (values) => items.map((item) => render(item, values)).filter((item) => item !== absent)
  }
  if (isObject(node)) {
    const members = Object.entries(node as JsonObject).map(
      ([key, member]) => [key, compileNode(member, env, pointer + pointerToken(key), errors)] as const,
    )
    const whole = (values: Values) => {
      const object: Record<string, Json> = {}
      for (const [key, part] of members) {
        const member = render(part, values)
        if (member !== absent) setOwn(object, key, member)
      }
      return object
    }
    return members.every(([, part]) => typeof part !== 'function') ? { constant: whole({}) } : whole
  }
  return { constant: node }
}

function compileLeaf(text: string, env: ExpressionEnvironment, pointer: string, errors: FieldError[]): Node {
  const parts = split(text)
  const only = parts.length === 1 ? parts[0] : undefined
  if (only?.kind === 'text') return { constant: only.text }
  if (only?.kind !== 'expression') return compileParts(parts, text, env, pointer, errors)
  const expression = compilePart(only, env, pointer, errors)
  return (values) => atPointer(pointer, () => (expression === null ? null : fromCel(expression.evaluate(values))))
}

/** Types that have no text; the rest is either text or known only when it is evaluated. */
const textless = /^(list|map|null|bytes|type)(<|$)|^(team|environment|blueprint|resource|cost|requester|parameters)(\.|$)/

function compileParts(
  parts: readonly Part[],
  text: string,
  env: ExpressionEnvironment,
  pointer: string,
  errors: FieldError[],
): (values: Values) => string {
  const pieces = parts.map((part) => {
    if (part.kind === 'text') return part.text
    if (part.kind === 'open') {
      errors.push({ pointer, detail: 'has a ${ without its }; write $${ for a literal one', frame: codeFrame(text, part.at) })
      return null
    }
    const expression = compilePart(part, env, pointer, errors)
    if (expression !== null && textless.test(expression.type)) {
      errors.push({ pointer, detail: `yields ${expression.type}, which cannot stand in text`, frame: codeFrame(part.source, 0) })
    }
    return expression
  })
  return (values) =>
    atPointer(pointer, () =>
      pieces.map((piece) => (typeof piece === 'string' ? piece : piece === null ? '' : toText(piece.evaluate(values)))).join(''),
    )
}

function compilePart(
  part: Extract<Part, { kind: 'expression' }>,
  env: ExpressionEnvironment,
  pointer: string,
  errors: FieldError[],
): Expression | null {
  const compiled = compileExpression(part.source, env, 'any')
  if (compiled.ok) return compiled.value
  errors.push({ pointer, ...compiled.problem })
  return null
}

function atPointer<T>(pointer: string, render: () => T): T {
  try {
    return render()
  } catch (error) {
    if (error instanceof EvaluationError) throw new EvaluationError(`${pointer}: ${error.message}`, { cause: error })
    throw error
  }
}

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression'; readonly source: string }
  /** A `${` that is never closed. */
  | { readonly kind: 'open'; readonly at: number }

/** Text and expressions in turn, neighbouring text joined; `$${` is a literal `${`. Always at least one part. */
function split(text: string): readonly Part[] {
  const parts: Part[] = []
  let literal = ''
  let i = 0
  const flush = () => {
    if (literal !== '') parts.push({ kind: 'text', text: literal })
    literal = ''
  }
  while (i < text.length) {
    if (text.startsWith('$${', i)) {
      literal += '${'
      i += 3
    } else if (text.startsWith('${', i)) {
      flush()
      const end = endOfExpression(text, i + 2)
      if (end === null) return [...parts, { kind: 'open', at: i }]
      parts.push({ kind: 'expression', source: text.slice(i + 2, end) })
      i = end + 1
    } else {
      literal += text[i]
      i++
    }
  }
  flush()
  return parts.length === 0 ? [{ kind: 'text', text: '' }] : parts
}

/** The offset of the brace that closes an expression; braces in its strings, maps and comments do not. */
function endOfExpression(text: string, start: number): number | null {
  let depth = 0
  let i = start
  while (i < text.length) {
    const c = text[i]
    if (c === '"' || c === "'") {
      i = endOfString(text, i)
      continue
    }
    if (c === '/' && text[i + 1] === '/') {
      const newline = text.indexOf('\n', i)
      if (newline === -1) return null
      i = newline
    } else if (c === '{') {
      depth++
    } else if (c === '}') {
      if (depth === 0) return i
      depth--
    }
    i++
  }
  return null
}

/** Just past a CEL string that opens at `start`: one quote or three, a backslash takes the next character with it. */
function endOfString(text: string, start: number): number {
  const quote = text[start] ?? ''
  const delimiter = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote
  let i = start + delimiter.length
  while (i < text.length && !text.startsWith(delimiter, i)) i += text[i] === '\\' ? 2 : 1
  return i + delimiter.length
}
