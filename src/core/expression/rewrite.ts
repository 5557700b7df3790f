import type { ASTNode } from '@marcbachmann/cel-js'
import { compilePattern } from '../re2.ts'
import { EvaluationError } from './evaluation-error.ts'
import { zonedGetters } from './time.ts'

/**
 * What is done to a parsed expression before it is type-checked. Built-ins that are slow or not deterministic are
 * replaced by own functions (cel-js lets nobody override one); `has()` is made to check its field; loops are counted, and
 * refused where they are nested deeper than 2.
 *
 * cel-js publishes only a part of its tree: macros hide in `meta`, where a loop is `meta.alternate`.
 */
type Node = {
  readonly op: string
  args: unknown
  readonly start: number
  readonly meta: { readonly alternate?: Node; readonly macro?: Macro }
  clone(op: Operator, args: unknown): Node
  setMeta(key: string, value: unknown): Node
}
type Macro = { readonly args?: readonly Node[]; typeCheck: (checker: Checker, macro: Macro, context: unknown) => unknown }
type Checker = { check(node: Node, context: unknown): unknown }
type Runner = { run(node: Node, context: unknown): unknown }
type Operator = {
  readonly name: string
  check(checker: Checker, node: Node, context: unknown): unknown
  evaluate(runner: Runner, node: Node, context: unknown): unknown
}

export type Refusal = { readonly detail: string; readonly at: number }

/** Own functions are named with a character that no expression can say. */
export const ownPrefix = '§'

const maxNesting = 2

type Walk = { readonly identifiers: Set<string>; readonly maxNesting: number; refusal: Refusal | null }

/** Changes the tree in place. The identifiers are all names that it reads, variables of loops among them. */
export function rewrite(
  ast: ASTNode,
  nesting = maxNesting,
): { readonly identifiers: ReadonlySet<string>; readonly refusal: Refusal | null } {
  const walk: Walk = { identifiers: new Set(), maxNesting: nesting, refusal: null }
  visit(ast as unknown as Node, 0, walk)
  return walk
}

function visit(value: unknown, nesting: number, walk: Walk): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, nesting, walk)
  } else if (isNode(value)) {
    if (value.meta.alternate !== undefined) visit(value.meta.alternate, nesting, walk)
    else visitNode(value, nesting, walk)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'op' in value && 'meta' in value
}

function visitNode(node: Node, nesting: number, walk: Walk): void {
  switch (node.op) {
    case 'id':
      walk.identifiers.add(String(node.args))
      return
    case 'value':
      return
    case 'comprehension':
      visitLoop(node, nesting, walk)
      return
    case 'call':
    case 'rcall':
      visitCall(node, nesting, walk)
      return
    case '+':
      visit(node.args, nesting, walk)
      weighAll(node.args as Node[], weighed)
      return
    default:
      visit(node.args, nesting, walk)
  }
}

function visitLoop(node: Node, nesting: number, walk: Walk): void {
  const loop = node.args as { iterable: Node; readonly init: Node; readonly step: Node }
  checkNesting(node, nesting + 1, walk)
  visit(loop.iterable, nesting, walk)
  visit(loop.step, nesting + 1, walk)
  loop.iterable = loop.iterable.clone(counted, loop.iterable).setMeta('async', false)
}

function checkNesting(node: Node, nesting: number, walk: Walk): void {
  if (nesting > walk.maxNesting) walk.refusal ??= { detail: `macros are nested deeper than ${walk.maxNesting}`, at: node.start }
}

function visitCall(node: Node, nesting: number, walk: Walk): void {
  const call = node.args as unknown[]
  const name = String(call[0])
  const args = call.at(-1) as readonly Node[]
  if (node.op === 'rcall') {
    if (name === 'matches' && args.length === 1) {
      checkPattern(args[0], walk)
      call[0] = ownPrefix + name
    } else if (Object.hasOwn(zonedGetters, name) && (args.length === 1 || (name === 'getDayOfYear' && args.length === 0))) {
      call[0] = ownPrefix + name
    } else if (name === 'bind' && args.length === 3) {
      checkNesting(node, nesting + 1, walk)
      visit(call[1], nesting, walk)
      visit(args[1], nesting, walk)
      visit(args[2], nesting + 1, walk)
      return
    }
    visit(call[1], nesting, walk)
    call[1] = weigh(call[1] as Node, name === 'join' ? weighed : weighedText)
  } else if (name === 'timestamp' && args.length === 1) {
    call[0] = ownPrefix + name
  } else if (name === 'has' && node.meta.macro !== undefined) {
    checkField(node.meta.macro)
  }
  visit(args, nesting, walk)
  if (node.op === 'call' && name !== 'has') weighAll(args as Node[], weighedText)
}

/** A pattern that is written out is compiled now, so that the author hears of it and not the first caller. */
function checkPattern(argument: Node | undefined, walk: Walk): void {
  if (argument?.op !== 'value' || typeof argument.args !== 'string') return
  const pattern = compilePattern(argument.args)
  if (!pattern.ok) walk.refusal ??= { detail: `the pattern ${pattern.problem}`, at: argument.start }
}

/** As it comes, has(parameters.regoin) is false for ever: the macro checks the variable and not the field. */
function checkField(macro: Macro): void {
  const original = macro.typeCheck
  macro.typeCheck = (checker, self, context) => {
    const type = original(checker, self, context)
    for (const argument of self.args ?? []) checker.check(argument, context)
    return type
  }
}

/** Two loops over the default `maxItems`, with some to spare. Loops over text that was split have no other bound. */
const maxItems = 20_000
/** Characters that functions are called on and text is joined from: a tenth of a second or so of `size`, the slowest. */
const maxText = 16 * 1024 * 1024
let itemsLeft = 0
let textLeft = 0

/** Evaluation is synchronous, so one counter for the process is enough. */
export function startCounting(): void {
  itemsLeft = maxItems
  textLeft = maxText
}

/** `a || b` and exists() forgive errors; running out of items must not be forgiven. */
export function checkCount(): void {
  if (itemsLeft < 0) throw new EvaluationError(`the expression loops over more than ${maxItems} items`)
  if (textLeft < 0) throw new EvaluationError('the expression reads more than 16 MiB of text')
}

const counted: Operator = {
  name: 'counted',
  check: (checker, node, context) => checker.check(node.args as Node, context),
  evaluate: (runner, node, context) => {
    const items = runner.run(node.args as Node, context)
    itemsLeft -= sizeOf(items)
    checkCount()
    return items
  },
}

function sizeOf(items: unknown): number {
  if (Array.isArray(items)) return items.length
  if (items instanceof Map || items instanceof Set) return items.size
  return typeof items === 'object' && items !== null ? Object.keys(items).length : 0
}

/** What is long makes whatever is done with it long: functions on text within a loop. */
const weighedText: Operator = weighing('weighedText', () => undefined)

/** Lists are as long as their items where they are added to themselves again and again, or joined. */
const weighed: Operator = weighing('weighed', (list) => {
  itemsLeft -= list.length
  for (const item of list) if (typeof item === 'string') textLeft -= item.length
})

function weighing(name: string, weighList: (list: readonly unknown[]) => void): Operator {
  return {
    name,
    check: (checker, node, context) => checker.check(node.args as Node, context),
    evaluate: (runner, node, context) => {
      const value = runner.run(node.args as Node, context)
      if (typeof value === 'string' || value instanceof Uint8Array) textLeft -= value.length
      else if (Array.isArray(value)) weighList(value)
      checkCount()
      return value
    },
  }
}

function weigh(node: Node, operator: Operator): Node {
  return node.clone(operator, node).setMeta('async', false)
}

function weighAll(nodes: Node[], operator: Operator): void {
  nodes.forEach((node, i) => (nodes[i] = weigh(node, operator)))
}
