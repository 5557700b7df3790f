import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  buildSchema,
  findBreakingChanges,
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  isRequiredArgument,
  isRequiredInputField,
  lexicographicSortSchema,
  printSchema,
  type GraphQLField,
  type GraphQLSchema,
  type GraphQLType,
} from 'graphql'

const folder = 'graphql'
/** The schema of the last release, as it was printed then. */
export const releasedPath = join(folder, 'released.graphql')

/** The files of the schema, in the order of their names, as one. */
export function readSdl(): string {
  const files = readdirSync(folder).filter((name) => name.endsWith('.graphql') && join(folder, name) !== releasedPath)
  return files
    .toSorted()
    .map((name) => readFileSync(join(folder, name), 'utf8').trim())
    .join('\n\n')
}

/** src/faces/graphql/generated/sdl.ts: the schema as text, so that a bundle needs no files. */
export function generateSdl(): string {
  const lines = readSdl()
    .split('\n')
    .map((line) => `  ${JSON.stringify(line)},\n`)
  return `// Made by npm run generate from graphql/*.graphql.\nexport const sdl: string = [\n${lines.join('')}].join('\\n')\n`
}

/** What a client of the last release would miss, in words; empty: nothing. */
export function breakingChanges(sdl = readSdl()): readonly string[] {
  const released = buildSchema(readFileSync(releasedPath, 'utf8'))
  return findBreakingChanges(released, buildSchema(sdl)).map(({ type, description }) => `${type}: ${description}`)
}

/** graphql/released.graphql as a release writes it. */
export function printRelease(): string {
  return `${printSchema(lexicographicSortSchema(buildSchema(readSdl())))}\n`
}

/** src/faces/graphql/generated/types.ts: arguments, inputs and resolvers as the schema has them. */
export function generateTypes(): string {
  const schema = buildSchema(readSdl())
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))
  const enums = types.filter((type) => type instanceof GraphQLEnumType)
  const inputs = types.filter((type) => type instanceof GraphQLInputObjectType)
  const objects = types.filter((type) => type instanceof GraphQLObjectType)
  return [
    `// Made by npm run generate from graphql/*.graphql.`,
    `import type { Json } from '../../../core/json.ts'`,
    `import type { enumWords } from '../enum-words.ts'`,
    `import type { Resolve } from '../graph-context.ts'`,
    `import type { Source } from '../sources.ts'`,
    ``,
    ...enums.map(({ name }) => `export type ${name} = (typeof enumWords)['${name}'][number]`),
    ``,
    ...inputs.flatMap((type) => [
      `export type ${type.name} = {`,
      ...Object.values(type.getFields()).map(
        (field) => `  readonly ${field.name}${isRequiredInputField(field) ? '' : '?'}: ${inputType(field.type)}`,
      ),
      `}`,
      ``,
    ]),
    ...objects.flatMap((type) => resolversOf(schema, type)),
    `/** Every field of Query, Mutation and Subscription has one; of other types those that are not simply read from the source. */`,
    `export type Resolvers = {`,
    ...objects.map(({ name }) => `  readonly ${name}${isRoot(schema, name) ? '' : '?'}: ${name}Resolvers`),
    `}`,
    ``,
  ].join('\n')
}

function isRoot(schema: GraphQLSchema, name: string): boolean {
  return name === schema.getQueryType()?.name || name === schema.getMutationType()?.name || isStream(schema, name)
}

/** Its fields are answered again and again. */
function isStream(schema: GraphQLSchema, name: string): boolean {
  return name === schema.getSubscriptionType()?.name
}

function resolversOf(schema: GraphQLSchema, type: GraphQLObjectType): readonly string[] {
  const root = isRoot(schema, type.name)
  const answer = (field: GraphQLField<unknown, unknown>) =>
    isStream(schema, type.name) ? `AsyncIterable<${outputType(field.type)}>` : outputType(field.type)
  return [
    `export type ${type.name}Resolvers = {`,
    ...Object.values(type.getFields()).map(
      (field) =>
        `  readonly ${field.name}${root ? '' : '?'}: Resolve<${root ? 'unknown' : `Source<'${type.name}'>`}, ${argumentsOf(field)}, ${answer(field)}>`,
    ),
    `}`,
    ``,
  ]
}

function argumentsOf({ args }: GraphQLField<unknown, unknown>): string {
  if (args.length === 0) return 'object'
  return `{ ${args.map((arg) => `readonly ${arg.name}${isRequiredArgument(arg) ? '' : '?'}: ${inputType(arg.type)}`).join('; ')} }`
}

/** Null is as good as nothing in what comes in. */
function inputType(type: GraphQLType): string {
  return type instanceof GraphQLNonNull ? bareInput(type.ofType) : `${bareInput(type)} | null`
}

function bareInput(type: GraphQLType): string {
  if (type instanceof GraphQLList) return `readonly (${inputType(type.ofType)})[]`
  return type instanceof GraphQLScalarType ? scalarType(type) : type.toString()
}

function outputType(type: GraphQLType): string {
  return type instanceof GraphQLNonNull ? bareOutput(type.ofType) : `${bareOutput(type)} | null`
}

function bareOutput(type: GraphQLType): string {
  if (type instanceof GraphQLList) return `readonly (${outputType(type.ofType)})[]`
  if (type instanceof GraphQLObjectType || type instanceof GraphQLInterfaceType) return `Source<'${type.name}'>`
  return type instanceof GraphQLScalarType ? scalarType(type) : type.toString()
}

function scalarType({ name }: GraphQLScalarType): string {
  switch (name) {
    case 'Int':
    case 'Float':
      return 'number'
    case 'Boolean':
      return 'boolean'
    case 'JSON':
      return 'Json'
    default:
      return 'string'
  }
}
