import {
  GraphQLEnumType,
  GraphQLInputObjectType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isRequiredInputField,
  getNamedType,
  validateSchema,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLObjectType,
} from 'graphql'
import type { TSchema } from 'typebox'
import { describe, expect, test } from 'vitest'
import { breakingChanges, readSdl } from '../../../scripts/generate-graphql.ts'
import { isObject } from '../../../src/core/json.ts'
import { enumName } from '../../../src/faces/graphql/enum-words.ts'
import { makeSchema } from '../../../src/faces/graphql/schema.ts'
import { blueprintImport } from '../../../src/operations/blueprint-import.ts'
import { branchAcceptance } from '../../../src/operations/branch-acceptance.ts'
import { schemaAddition } from '../../../src/operations/schema-input.ts'
import { documentBatch } from '../../../src/operations/document-batch.ts'
import {
  eventQuery,
  permissionsQuery,
  plainQuery,
  requestQuery,
  serviceAccountQuery,
  resourceQuery,
  schemaQuery,
  serviceQuery,
} from '../../../src/operations/list-queries.ts'
import { approval, rejection, requestInput } from '../../../src/operations/request-input.ts'
import { serviceAccountInput, tokenInput } from '../../../src/operations/token-input.ts'

const schema = makeSchema()
const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))
const objects = types.filter(isObjectType)
const [query, mutation] = [typeNamed('Query'), typeNamed('Mutation')]

function typeNamed(name: string): GraphQLObjectType {
  const type = schema.getType(name)
  if (!isObjectType(type)) throw new Error(`${name} is no type`)
  return type
}

function typeOf(type: GraphQLObjectType, field: string): string {
  return String(type.getFields()[field]?.type)
}

test('the schema is one', () => {
  expect(validateSchema(schema)).toEqual([])
})

test('every type, field, argument and value says what it is', () => {
  const parts = types.flatMap((type): { name: string; description?: string | null | undefined }[] => {
    if (isScalarType(type)) return type.specifiedByURL === undefined || type.name === 'JSON' || type.name === 'DateTime' ? [type] : []
    if (isEnumType(type)) return [type, ...type.getValues().map((value) => ({ ...value, name: `${type.name}.${value.name}` }))]
    if (isInputObjectType(type))
      return [type, ...Object.values(type.getFields()).map((f) => ({ name: `${type.name}.${f.name}`, description: f.description }))]
    if (!isObjectType(type) && !isInterfaceType(type)) return [type]
    return [
      type,
      ...Object.values(type.getFields()).flatMap((f) => [
        { name: `${type.name}.${f.name}`, description: f.description },
        ...f.args.map((a) => ({ name: `${type.name}.${f.name}(${a.name})`, description: a.description })),
      ]),
    ]
  })

  expect(parts.length).toBeGreaterThan(400)
  expect(parts.filter(({ description }) => (description ?? '') === '').map(({ name }) => name)).toEqual([])
})

describe('by the rules of Relay', () => {
  const connections = objects.filter(({ name }) => name.endsWith('Connection'))

  test.each(connections.map((type) => ({ type, noun: type.name.replace(/Connection$/, '') })))(
    '$type has edges, nodes and a page',
    ({ type, noun }) => {
      const edge = typeNamed(`${noun}Edge`)

      expect([typeOf(type, 'edges'), typeOf(type, 'nodes'), typeOf(type, 'pageInfo')]).toEqual([
        `[${noun}Edge!]!`,
        `[${noun}!]!`,
        'PageInfo!',
      ])
      expect([typeOf(edge, 'node'), typeOf(edge, 'cursor')]).toEqual([`${noun}!`, 'String!'])
    },
  )

  test('a page says where it begins and ends, and whether there is more either way', () => {
    const page = typeNamed('PageInfo')

    expect(['hasNextPage', 'hasPreviousPage', 'startCursor', 'endCursor'].map((field) => typeOf(page, field))).toEqual([
      'Boolean!',
      'Boolean!',
      'String',
      'String',
    ])
  })

  test('every connection is read with first and after, and is always there', () => {
    const fields = objects.flatMap((type) =>
      Object.values(type.getFields()).map((field) => ({ name: `${type.name}.${field.name}`, field })),
    )
    const paged = fields.filter(({ field }) => connections.includes(getNamedType(field.type) as GraphQLObjectType))
    const wrong = paged.filter(({ field: { args, type } }) => {
      const typed = Object.fromEntries(args.map((arg) => [arg.name, `${String(arg.type)} ${String(arg.defaultValue)}`]))
      return typed['first'] !== 'Int 50' || typed['after'] !== 'String undefined' || !String(type).endsWith('!')
    })

    expect(paged.length).toBeGreaterThan(20)
    // Who may read a service account need not be one of those who may read its tokens.
    expect(wrong.map(({ name }) => name)).toEqual(['ServiceAccount.tokens'])
  })

  test('what has an id is a node, and a node is found by it', () => {
    const [node] = [schema.getType('Node')]
    if (!isInterfaceType(node)) throw new Error('Node is no interface')
    const withId = objects.filter((type) => typeOf(type, 'id') === 'ID!')
    const nodes = schema.getPossibleTypes(node)

    expect(String(query.getFields()['node']?.type)).toBe('Node')
    expect(String(query.getFields()['node']?.args[0]?.type)).toBe('ID!')
    // No question in REST has one event or one token as its answer.
    const told = ['Event', 'Token', 'CreatedToken', 'RevokeTokenPayload']
    expect(withId.filter((type) => !nodes.includes(type)).map(({ name }) => name)).toEqual(told)
    expect(nodes.length).toBe(9)
  })

  test('a mutation has one input and one payload of its own name, which is null when it is refused', () => {
    const wrong = Object.values(mutation.getFields()).filter(({ name, args, type }) => {
      const own = `${name[0]?.toUpperCase()}${name.slice(1)}`
      return args.length !== 1 || args[0]?.name !== 'input' || String(args[0].type) !== `${own}Input!` || String(type) !== `${own}Payload`
    })

    expect(wrong.map(({ name }) => name)).toEqual([])
  })

  test('names are written as everybody writes them', () => {
    const wrong = types.flatMap((type) => {
      if (isEnumType(type)) return type.getValues().flatMap(({ name }) => (/^[A-Z]+(_[A-Z]+)*$/.test(name) ? [] : [`${type.name}.${name}`]))
      if (!isObjectType(type) && !isInputObjectType(type)) return []
      return Object.keys(type.getFields()).flatMap((name) => (/^[a-z][A-Za-z]*$/.test(name) ? [] : [`${type.name}.${name}`]))
    })

    expect([...wrong, ...types.map(({ name }) => name).filter((name) => !/^[A-Z][A-Za-z]*$/.test(name))]).toEqual([])
  })
})

type Members = Readonly<Record<string, { readonly required: boolean; readonly schema: unknown }>>

/** The members of a TypeBox object; of a union those of all its parts, required where all require them. */
function membersOf(shape: TSchema): Members {
  const parts = 'anyOf' in shape && Array.isArray(shape.anyOf) ? shape.anyOf : [shape]
  const found = parts.map((part: unknown) => {
    const { properties, required } = isObject(part) ? part : {}
    return { properties: isObject(properties) ? properties : {}, required: Array.isArray(required) ? required : [] }
  })
  const names = new Set(found.flatMap(({ properties }) => Object.keys(properties)))
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      {
        required: found.every(({ required }) => required.includes(name)),
        schema: found.find(({ properties }) => name in properties)?.properties[name],
      },
    ]),
  )
}

/** In words: what REST takes, and whether it has to be there. */
function wordOf(schema: unknown): string {
  if (!isObject(schema)) return 'JSON'
  if (Array.isArray(schema['enum'])) return schema['enum'].map((word) => enumName(String(word))).join('|')
  if (schema['const'] !== undefined) return 'word'
  if (schema['type'] === 'array') return `[${wordOf(schema['items'])}]`
  if (schema['type'] === 'object' && !isObject(schema['properties'])) return 'JSON'
  if (schema['type'] === undefined) return Array.isArray(schema['anyOf']) ? 'input' : 'JSON'
  const { type } = schema
  return (typeof type === 'string' ? { string: 'String', integer: 'Int', boolean: 'Boolean', object: 'input' }[type] : undefined) ?? 'JSON'
}

function graphWordOf(type: unknown): string {
  const text = String(type).replaceAll('!', '')
  if (text.startsWith('[')) return `[${graphWordOf(text.slice(1, -1))}]`
  const named = schema.getType(text)
  if (named instanceof GraphQLInputObjectType) return 'input'
  if (named instanceof GraphQLEnumType)
    return text === 'Action'
      ? 'word'
      : named
          .getValues()
          .map(({ name }) => name)
          .join('|')
  return text === 'ID' ? 'String' : text
}

function described(fields: readonly (GraphQLInputField | GraphQLArgument)[]): Record<string, string> {
  return Object.fromEntries(
    fields.map((field) => [field.name, `${graphWordOf(field.type)}${isRequiredInputField(field as GraphQLInputField) ? ' required' : ''}`]),
  )
}

function expected(members: Members): Record<string, string> {
  return Object.fromEntries(
    Object.entries(members).map(([name, { required, schema: shape }]) => [name, `${wordOf(shape)}${required ? ' required' : ''}`]),
  )
}

const id = { id: 'String required' }
const key = { idempotencyKey: 'String' }
const changeShape = membersOf(requestInput)['changes']?.schema
const change = isObject(changeShape) ? (changeShape['items'] as TSchema) : requestInput
const inDocuments = { name: 'String required', dryRun: 'Boolean', ifMatch: 'String' }

describe('inputs are those of REST, field by field', () => {
  test.each<[string, Record<string, string>]>([
    ['PlanRequestInput', expected(membersOf(requestInput))],
    ['SubmitRequestInput', { ...expected(membersOf(requestInput)), ...key }],
    ['ChangeInput', expected(membersOf(change))],
    ['ApproveRequestInput', { ...expected(membersOf(approval)), ...id }],
    ['RejectRequestInput', { ...expected(membersOf(rejection)), ...id }],
    ['CancelRequestInput', id],
    ['RetryRequestInput', { ...id, ...key }],
    ['AcceptBranchInput', expected(membersOf(branchAcceptance))],
    ['ApplyInput', { ...expected(membersOf(documentBatch)), dryRun: 'Boolean' }],
    ['ImportBlueprintsInput', { ...expected(membersOf(blueprintImport)), price: 'JSON', allow: 'JSON', dryRun: 'Boolean' }],
    ['AddSchemasInput', { ...expected(membersOf(schemaAddition)), dryRun: 'Boolean' }],
    ['CreateServiceAccountInput', expected(membersOf(serviceAccountInput))],
    ['RetireServiceAccountInput', { name: 'String required' }],
    ['CreateTokenInput', { ...expected(membersOf(tokenInput)), name: 'String required' }],
    ['RevokeTokenInput', { ...id, name: 'String required' }],
    ['DeleteSchemaInput', { group: 'String required', version: 'String required', kind: 'String required' }],
    ...['Team', 'Environment', 'Blueprint', 'Policy', 'Budget', 'Service', 'Trust'].flatMap((kind): [string, Record<string, string>][] => [
      [`Put${kind}Input`, { ...inDocuments, document: 'JSON required' }],
      [`Delete${kind}Input`, inDocuments],
    ]),
  ])('%s', (name, members) => {
    const type = schema.getType(name)

    expect(isInputObjectType(type) ? described(Object.values(type.getFields())) : null).toEqual(members)
  })

  test.each<[string, TSchema]>([
    ['requests', requestQuery],
    ['resources', resourceQuery],
    ['events', eventQuery],
    ['permissions', permissionsQuery],
    ['serviceAccounts', serviceAccountQuery],
    ['services', serviceQuery],
    ['schemas', schemaQuery],
    ...['teams', 'environments', 'blueprints', 'policies', 'budgets', 'trusts', 'verification'].map((name): [string, TSchema] => [
      name,
      plainQuery,
    ]),
  ])('the arguments of %s', (name, shape) => {
    expect(described(query.getFields()[name]?.args ?? [])).toEqual(expected(membersOf(shape)))
  })

  test('and there is no other input', () => {
    const inputs = types.filter(isInputObjectType)

    expect(inputs.length).toBe(16 + 14)
  })
})

test('what a client of the last release would miss is told', () => {
  const removed = readSdl().replace('  "For people."\n  title: String\n', '')
  const demanding = readSdl().replace('  planDigest: String!', '  planDigest: String!\n  more: String!')

  expect(breakingChanges()).toEqual([])
  expect(breakingChanges(removed)).toEqual([expect.stringMatching(/FIELD_REMOVED: \w+\.title was removed/)])
  expect(breakingChanges(demanding)).toEqual([expect.stringMatching(/REQUIRED_INPUT_FIELD_ADDED/)])
})
