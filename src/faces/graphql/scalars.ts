import { GraphQLScalarType, valueFromASTUntyped, type GraphQLSchema } from 'graphql'
import { isObject, setOwn } from '../../core/json.ts'

/** JSON that is written in the query itself becomes what JSON.parse would have made of it: operations expect no less. */
export function speakJson(schema: GraphQLSchema): void {
  const type = schema.getType('JSON')
  if (!(type instanceof GraphQLScalarType)) throw new Error('the schema has no scalar JSON')
  type.parseLiteral = (node, variables) => plain(valueFromASTUntyped(node, variables))
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (!isObject(value)) return value
  const made: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) setOwn(made, key, plain(member))
  return made
}
