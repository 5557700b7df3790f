import { Type, type Static } from 'typebox'
import type { JsonObject } from '../json.ts'
import { approvers, documentName, documentSchema, expressionText, jsonObject, nameGlob, resourceName, teamRole } from './metadata.ts'

const closed = { additionalProperties: false }

export const action = Type.Union([Type.Literal('create'), Type.Literal('update'), Type.Literal('delete')])

const match = Type.Object(
  {
    environments: Type.Optional(Type.Array(nameGlob, { minItems: 1, maxItems: 100 })),
    blueprints: Type.Optional(Type.Array(nameGlob, { minItems: 1, maxItems: 100 })),
    teams: Type.Optional(Type.Array(nameGlob, { minItems: 1, maxItems: 100 })),
    actions: Type.Optional(Type.Array(action, { minItems: 1, maxItems: 3 })),
  },
  closed,
)
export type PolicyMatch = Static<typeof match>

const text = Type.String({ minLength: 1, maxLength: 1_000 })
const common = { name: documentName, when: expressionText, message: Type.Optional(text), remedy: Type.Optional(text) }

const rule = Type.Union([
  Type.Object({ ...common, effect: Type.Literal('deny') }, closed),
  Type.Object({ ...common, effect: Type.Literal('require-approval'), approvers: Type.Optional(approvers) }, closed),
  Type.Object({ ...common, effect: Type.Literal('warn') }, closed),
  Type.Object(
    { ...common, effect: Type.Literal('set'), set: Type.Unsafe<JsonObject>({ type: 'object', minProperties: 1, maxProperties: 20 }) },
    closed,
  ),
])
export type PolicyRule = Static<typeof rule>

/** What a test supposes; defaults: create, no parameters, nobody in particular, the epoch. */
const given = Type.Object(
  {
    blueprint: Type.String({ minLength: 1, maxLength: 128 }),
    environment: documentName,
    team: documentName,
    action: Type.Optional(action),
    name: Type.Optional(resourceName),
    parameters: Type.Optional(jsonObject),
    previous: Type.Optional(jsonObject),
    requester: Type.Optional(
      Type.Object(
        {
          subject: Type.Optional(Type.String({ maxLength: 254 })),
          kind: Type.Optional(Type.Union([Type.Literal('person'), Type.Literal('service-account')])),
          roles: Type.Optional(Type.Array(teamRole, { maxItems: 4 })),
          via: Type.Optional(Type.String({ maxLength: 254 })),
          groups: Type.Optional(Type.Array(Type.String({ maxLength: 254 }), { maxItems: 100 })),
        },
        closed,
      ),
    ),
    now: Type.Optional(Type.String({ maxLength: 40, pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,3})?Z$' })),
  },
  closed,
)

const test = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    given,
    expect: Type.Union([Type.Literal('allowed'), Type.Literal('requires_approval'), Type.Literal('denied')]),
    rules: Type.Optional(Type.Array(documentName, { maxItems: 100 })),
  },
  closed,
)
export type PolicyTest = Static<typeof test>

export const policyDocument = documentSchema('Policy', {
  match: Type.Optional(match),
  rules: Type.Array(rule, { minItems: 1, maxItems: 100 }),
  tests: Type.Optional(Type.Array(test, { maxItems: 200 })),
})
export type PolicyDocument = Static<typeof policyDocument>
