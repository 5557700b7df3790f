import { isObject, type JsonObject } from '../json.ts'
import { resolved } from '../parameter-schema.ts'
import { dyn, type CelType } from './values.ts'

/** Where an expression stands; it decides which variables there are. `message` sees what `policy` sees; `set` rules run before there is a cost. */
export type Scope = 'policy' | 'set' | 'price' | 'template' | 'message' | 'trust'

type ObjectType = Extract<CelType, { kind: 'object' }>

const string: CelType = { kind: 'scalar', cel: 'string' }
const double: CelType = { kind: 'scalar', cel: 'double' }
const strings: CelType = listOf(string)

const action = string
const team = object('team', { name: string, title: string, costCenter: string, tags: strings })
const environment = object('environment', { name: string, namespace: string, values: dyn })
const blueprint = object('blueprint', { name: string, version: string, tags: strings, lifecycle: string })
const resource = object('resource', { name: string })
const cost = object('cost', { before: double, after: double, delta: double })
const requester = object('requester', { subject: string, kind: string, roles: strings, via: string, groups: strings })
const now: CelType = { kind: 'scalar', cel: 'google.protobuf.Timestamp' }

/** The variables of a scope with their types, and every object type among them, innermost first. */
export type Variables = { readonly types: ReadonlyMap<string, CelType>; readonly objects: readonly ObjectType[] }

export function variablesOf(scope: Exclude<Scope, 'message'>, schema: JsonObject | null): Variables {
  const parameters = schema === null ? dyn : typeOf({ root: schema, names: new Set() }, schema, 'parameters')
  const types = new Map<string, CelType>(Object.entries(scopes[scope]))
  if (scope !== 'trust') types.set('parameters', parameters)
  if (scope === 'policy' || scope === 'set') types.set('previous', mapOf(parameters))
  if (scope === 'template') types.set('given', mapOf(parameters))
  const objects: ObjectType[] = []
  for (const type of types.values()) collectObjects(type, objects)
  return { types, objects }
}

const everywhere = { team, environment, blueprint }
const scopes: { readonly [S in Exclude<Scope, 'message'>]: { readonly [variable: string]: CelType } } = {
  policy: { ...everywhere, action, resource, cost, requester, now },
  set: { ...everywhere, action, resource, requester, now },
  price: { ...everywhere, action },
  template: { ...everywhere, resource },
  trust: { claims: map(new Map(), dyn) },
}

function listOf(items: CelType): CelType {
  return { kind: 'list', cel: `list<${items.cel}>`, items }
}

function object(name: string, fields: { readonly [field: string]: CelType }): ObjectType {
  return { kind: 'object', cel: name, make: class extends Map<string, unknown> {}, fields: new Map(Object.entries(fields)), rest: dyn }
}

function map(fields: ReadonlyMap<string, CelType>, values: CelType, rest: CelType = values): ObjectType {
  return { kind: 'object', cel: `map<string, ${values.cel}>`, make: Map<string, unknown>, fields, rest }
}

/** A map, since it may be empty whatever the schema requires; what is in it has the schema's types. */
function mapOf(parameters: CelType): CelType {
  return map(parameters.kind === 'object' ? parameters.fields : new Map(), dyn)
}

type Walk = { readonly root: JsonObject; readonly names: Set<string> }

function typeOf(walk: Walk, written: JsonObject, name: string): CelType {
  const schema = resolved(walk.root, written)
  const type = typeof schema['type'] === 'string' ? schema['type'] : 'several'
  switch (type) {
    case 'integer':
      return { kind: 'scalar', cel: 'int' }
    case 'number':
      return double
    case 'string':
      return string
    case 'boolean':
      return { kind: 'scalar', cel: 'bool' }
    case 'array':
      return listOf(
        isObject(schema['items']) && schema['prefixItems'] === undefined
          ? typeOf(walk, schema['items'] as JsonObject, `${name}.items`)
          : dyn,
      )
    case 'object':
      return objectTypeOf(walk, schema, uniqueName(name, walk.names))
    default:
      return dyn
  }
}

function objectTypeOf(walk: Walk, schema: JsonObject, name: string): CelType {
  const fields: { [field: string]: CelType } = Object.create(null) as {}
  const properties = isObject(schema['properties']) ? (schema['properties'] as JsonObject) : {}
  for (const [field, sub] of Object.entries(properties)) {
    fields[field] = isObject(sub) ? typeOf(walk, sub as JsonObject, `${name}.${field.replace(/\W/g, '_')}`) : dyn
  }
  const additional = schema['additionalProperties']
  if (additional === false && schema['patternProperties'] === undefined) return object(name, fields)
  const rest = isObject(additional) ? typeOf(walk, additional as JsonObject, `${name}.values`) : dyn
  const named = new Map(Object.entries(fields))
  return map(named, named.size === 0 && schema['patternProperties'] === undefined ? rest : dyn, rest)
}

/** `a.b` and `a_b` are the same word in the name of a type. */
function uniqueName(name: string, taken: Set<string>): string {
  let unique = name
  for (let n = 2; taken.has(unique); n++) unique = `${name}_${n}`
  taken.add(unique)
  return unique
}

function collectObjects(type: CelType, found: ObjectType[]): void {
  if (type.kind === 'list') collectObjects(type.items, found)
  if (type.kind !== 'object') return
  for (const field of type.fields.values()) collectObjects(field, found)
  collectObjects(type.rest, found)
  // A map needs no declaration; a class is declared once, however often it occurs.
  if (type.make !== Map && !found.includes(type)) found.push(type)
}
