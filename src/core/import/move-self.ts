import { Environment, EvaluationError, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js'
import { ok, refuse, type Result } from '../result.ts'
import { maxRuleLength } from '../structural/rules.ts'

/**
 * A rule is written over the object, or over its `spec`; parameters are what is inside. `self.spec.size` becomes
 * `self.size`, in the text, so that what is stored reads as if it had been written there. A rule that looks at anything
 * else of the object cannot be judged by parameters.
 */
export function moveSelf(source: string, inside: readonly string[]): Result<string, string> {
  if (inside.length === 0) return ok(source)
  if (source.length > maxRuleLength) return refuse(`is longer than ${maxRuleLength} characters`)
  let ast: unknown
  try {
    ast = new Environment({ enableOptionalTypes: true, unlistedVariablesAreDyn: true }).parse(source).ast
  } catch (error) {
    if (!(error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError)) throw error
    return refuse(`cannot be read: ${error.summary}`)
  }
  const moving: Moving = { inside, source, edits: [], outside: null }
  visit(ast, moving)
  if (moving.outside !== null) return refuse(`reads ${moving.outside}, which is no parameter: parameters are self.${inside.join('.')}`)
  let text = source
  for (const { start, end, put } of moving.edits.sort((a, b) => b.start - a.start)) text = text.slice(0, start) + put + text.slice(end)
  return ok(text)
}

type Edit = { readonly start: number; readonly end: number; readonly put: string }
type Moving = { readonly inside: readonly string[]; readonly source: string; readonly edits: Edit[]; outside: string | null }
type AstNode = { readonly op: string; readonly args: unknown; readonly start: number; readonly end: number }

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value
}

function visit(value: unknown, moving: Moving): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, moving)
    return
  }
  if (!isNode(value)) return
  const { inside, edits, source } = moving
  const path = pathOf(value)
  if (path !== null) {
    if (path.length <= inside.length || !inside.every((name, i) => path[i + 1] === name))
      moving.outside ??= source.slice(value.start, value.end)
    else {
      const root = ancestor(value, path.length - 1 - inside.length)
      edits.push({ start: root.start, end: root.end, put: path[0] ?? '' })
    }
    return
  }
  if (value.op === 'call' && Array.isArray(value.args) && value.args[0] === 'has') {
    const [argument]: readonly unknown[] = Array.isArray(value.args[1]) ? value.args[1] : []
    const asked = isNode(argument) ? pathOf(argument) : null
    // The object always has what the parameters stand in.
    if (asked !== null && asked.length - 1 <= inside.length && asked.slice(1).every((name, i) => name === inside[i])) {
      edits.push({ start: value.start, end: value.end, put: 'true' })
      return
    }
  }
  visit(value.args, moving)
}

/** `['self', 'spec', 'size']` of `self.spec.size`; null for what is no such path. */
function pathOf(node: AstNode): readonly string[] | null {
  if (node.op === 'id') return node.args === 'self' || node.args === 'oldSelf' ? [node.args] : null
  if (node.op !== '.' || !Array.isArray(node.args)) return null
  const [inner, name]: readonly unknown[] = node.args
  const path = isNode(inner) ? pathOf(inner) : null
  return path === null || typeof name !== 'string' ? null : [...path, name]
}

function ancestor(node: AstNode, levels: number): AstNode {
  let at = node
  for (let i = 0; i < levels; i++) {
    const inner: unknown = Array.isArray(at.args) ? at.args[0] : null
    if (!isNode(inner)) break
    at = inner
  }
  return at
}
