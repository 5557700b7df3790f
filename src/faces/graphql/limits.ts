import {
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isObjectType,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import type { FieldError } from '../../core/problem.ts'
import { findOperation } from './operation-input.ts'
import { Refusal } from './refusal.ts'

/**
 * What one query may ask for. Without these, a few lines that name each other would ask for more than there is memory.
 *
 * Cost: a field that is no leaf costs one and what is in it. A connection costs that as many times as its `first` (50 when
 * it has none), any other list five times. Each mutation costs 5,000 besides.
 */
export const limits = {
  /** Characters of a query; variables come on top, within a body of 1 MiB. */
  characters: 20_000,
  tokens: 1_000,
  depth: 16,
  /** With each fragment as often as it is named: whoever compiles or validates a query may have to go through all of it. */
  selections: 2_000,
  aliases: 50,
  directives: 50,
  cost: 50_000,
  milliseconds: 10_000,
} as const

const DEFAULT_PAGE = 50
const LONGEST_PAGE = 200
const PLAIN_LIST = 5
const MUTATION = 5_000

function tooMuch(errors: readonly string[]): Refusal {
  return new Refusal({ code: 'invalid', errors: errors.map((detail): FieldError => ({ pointer: '/query', detail })) })
}

/** Before it is parsed: parsing takes time and memory already. */
export function checkLength(query: string): void {
  if (query.length > limits.characters) throw tooMuch([`has ${query.length} characters; at most ${limits.characters} are possible`])
}

/** What graphql's parser says of a document with too many tokens is a limit, and no syntax error. */
export function tooManyTokens(message: string): Refusal | null {
  return message.includes(`contains more that ${limits.tokens} tokens`)
    ? tooMuch([`has more than ${limits.tokens} tokens (names, braces, values)`])
    : null
}

type Extent = { readonly depth: number; readonly selections: number }

/** Before it is validated, which takes the longer the more is in it. Fragments may go round in circles here. */
export function checkShape(document: DocumentNode, introspection: boolean): void {
  const counted = { aliases: 0, directives: 0, introspects: false, proto: false, protoVariable: false }
  const fragments = fragmentsOf(document)
  const known = new Map<string, Extent>()

  /** How far it goes below here; of a fragment that is under way, nothing. */
  function extentOf(set: SelectionSetNode | undefined, count: boolean): Extent {
    let [depth, selections] = [0, 0]
    for (const selection of set?.selections ?? []) {
      if (count) look(selection)
      const within = selection.kind === 'FragmentSpread' ? extentOfFragment(selection.name.value) : extentOf(selection.selectionSet, count)
      depth = Math.max(depth, within.depth + (selection.kind === 'Field' ? 1 : 0))
      selections += 1 + within.selections
    }
    return { depth, selections }
  }
  function extentOfFragment(name: string): Extent {
    let extent = known.get(name)
    if (extent === undefined) {
      known.set(name, { depth: 0, selections: 0 })
      extent = extentOf(fragments.get(name)?.selectionSet, false)
      known.set(name, extent)
    }
    return extent
  }
  function look(selection: SelectionNode): void {
    counted.directives += selection.directives?.length ?? 0
    if (selection.kind !== 'Field') return
    if (selection.alias !== undefined) counted.aliases += 1
    if (selection.alias?.value === '__proto__') counted.proto = true
    if (selection.name.value === '__schema' || selection.name.value === '__type') counted.introspects = true
  }

  let [depth, selections] = [0, 0]
  for (const definition of document.definitions) {
    if (definition.kind !== 'OperationDefinition' && definition.kind !== 'FragmentDefinition') continue
    counted.directives += definition.directives?.length ?? 0
    if (definition.variableDefinitions?.some(({ variable }) => variable.name.value === '__proto__') === true) counted.protoVariable = true
    const extent = extentOf(definition.selectionSet, true)
    depth = Math.max(depth, extent.depth)
    selections = Math.max(selections, extent.selections)
  }
  const errors: string[] = []
  if (depth > limits.depth) errors.push(`is ${depth} levels deep; at most ${limits.depth} are possible`)
  if (selections > limits.selections)
    errors.push(
      `selects ${selections} fields and fragments, each fragment counted as often as it is named; at most ${limits.selections} are possible`,
    )
  if (counted.aliases > limits.aliases) errors.push(`has ${counted.aliases} aliases; at most ${limits.aliases} are possible`)
  if (counted.directives > limits.directives) errors.push(`has ${counted.directives} directives; at most ${limits.directives} are possible`)
  // Compiled queries would put it where JavaScript looks for something else.
  if (counted.proto) errors.push('has the alias __proto__, which no answer can carry')
  // Its value would be where the others are looked for.
  if (counted.protoVariable) errors.push('has the variable $__proto__, which cannot be told from what JavaScript has there')
  if (counted.introspects && !introspection) errors.push('asks for the schema, and introspection is turned off here')
  if (errors.length > 0) throw tooMuch(errors)
}

/** Before it is executed. The document is valid, so there are no circles any more, and what it names is there. */
export function checkCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null,
  variables: Readonly<Record<string, unknown>>,
): void {
  const cost = costOf(schema, document, operationName, variables)
  if (cost > limits.cost)
    throw tooMuch([`costs ${cost}; at most ${limits.cost} is possible: ask for shorter pages (\`first\`), or for less in each item`])
}

/** The cost of an operation, by the formula above. */
export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null,
  variables: Readonly<Record<string, unknown>>,
): number {
  const operation = findOperation(document, operationName)
  const fragments = fragmentsOf(document)
  const given = { ...defaultsOf(operation), ...variables }
  const costs = new Map<string, number>()

  function costIn(set: SelectionSetNode, parent: GraphQLCompositeType): number {
    let cost = 0
    for (const selection of set.selections) {
      if (selection.kind === 'Field') cost += costOfField(selection, parent)
      else if (selection.kind === 'FragmentSpread') cost += costOfFragment(selection.name.value)
      else cost += costIn(selection.selectionSet, typeNamed(selection.typeCondition?.name.value) ?? parent)
    }
    return cost
  }
  // Once each: fragments that name others twice would take for ever.
  function costOfFragment(name: string): number {
    let cost = costs.get(name)
    if (cost === undefined) {
      const fragment = fragments.get(name)
      const parent = typeNamed(fragment?.typeCondition.name.value)
      cost = fragment === undefined || parent === null ? 0 : costIn(fragment.selectionSet, parent)
      costs.set(name, cost)
    }
    return cost
  }
  function costOfField(node: FieldNode, parent: GraphQLCompositeType): number {
    const field = 'getFields' in parent ? parent.getFields()[node.name.value] : undefined
    // `__typename`, and introspection, which reads nothing.
    if (field === undefined || node.selectionSet === undefined) return 0
    const type = getNamedType(field.type)
    if (!isCompositeType(type)) return 0
    const mutation = parent === schema.getMutationType() ? MUTATION : 0
    return mutation + times(field, type, node, given) * (1 + costIn(node.selectionSet, type))
  }
  function typeNamed(name: string | undefined): GraphQLCompositeType | null {
    const type = name === undefined ? undefined : schema.getType(name)
    return isCompositeType(type) ? type : null
  }

  const root = schema.getRootType(operation.operation)
  return root === undefined || root === null ? 0 : costIn(operation.selectionSet, root)
}

/** How many of it there may be. */
function times(
  field: GraphQLField<unknown, unknown>,
  type: GraphQLCompositeType,
  node: FieldNode,
  variables: Readonly<Record<string, unknown>>,
): number {
  if (field.args.some(({ name }) => name === 'first')) {
    const value = node.arguments?.find(({ name }) => name.value === 'first')?.value
    const first = value?.kind === 'IntValue' ? Number(value.value) : value?.kind === 'Variable' ? variables[value.name.value] : undefined
    // What is no sensible number is refused where it is read.
    return typeof first === 'number' && first > 0 ? Math.min(first, LONGEST_PAGE) : DEFAULT_PAGE
  }
  if (!isListType(getNullableType(field.type))) return 1
  // The items of a page were counted with its connection.
  return (field.name === 'nodes' || field.name === 'edges') && isObjectType(type) ? 1 : PLAIN_LIST
}

/** How many fields of the root an operation has, wherever they stand; a mutation that is asked for twice is two. */
export function rootFieldsOf(document: DocumentNode, { selectionSet }: OperationDefinitionNode): number {
  const fragments = fragmentsOf(document)
  const known = new Map<string, number>()
  function countIn(set: SelectionSetNode | undefined): number {
    let count = 0
    for (const selection of set?.selections ?? []) {
      if (selection.kind === 'Field') count += 1
      else if (selection.kind === 'InlineFragment') count += countIn(selection.selectionSet)
      else count += countOf(selection.name.value)
    }
    return count
  }
  function countOf(name: string): number {
    const count = known.get(name) ?? countIn(fragments.get(name)?.selectionSet)
    known.set(name, count)
    return count
  }
  return countIn(selectionSet)
}

/** What variables are when nothing is said for them; only numbers matter here. */
function defaultsOf({ variableDefinitions = [] }: OperationDefinitionNode): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue?.kind === 'IntValue' ? [[variable.name.value, Number(defaultValue.value)] as const] : [],
    ),
  )
}

function fragmentsOf(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  return new Map(document.definitions.flatMap((d) => (d.kind === 'FragmentDefinition' ? [[d.name.value, d] as const] : [])))
}
