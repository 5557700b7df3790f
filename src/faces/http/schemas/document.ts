import { Type, type TProperties, type TSchema } from 'typebox'
import { documentShapes, kinds, type Kind } from '../../../core/document/document.ts'
import { isObject, type JsonObject } from '../../../core/json.ts'
import { amount, oneOf, openObject, timestamp } from './component.ts'
import { documentExamples } from './document-examples.ts'
import { pageSchema } from './page.ts'

/**
 * Documents in the API: what is written is the core's own schema; what is answered has its revision, its times and, of a
 * budget, its counters besides.
 */
export type DocumentSchemas = { readonly input: TSchema; readonly answer: TSchema; readonly page: TSchema }

const answered = {
  revision: Type.Integer({ minimum: 1, description: 'Grows with every change.' }),
  createdAt: timestamp,
  updatedAt: timestamp,
}
const shownTimes = { createdAt: '2026-11-24T09:30:00.000Z', updatedAt: '2026-11-24T09:30:00.000Z' }

const descriptions: { readonly [K in Kind]: string } = {
  Team: 'Owns what it asks for; people and groups are its members, with roles.',
  Environment: 'A place: a GitOps repository, branch and path, and a rule for namespaces.',
  Blueprint: 'What may be asked for: parameters, defaults, price and manifests. A version never changes.',
  Policy: 'Rules in CEL over a change: deny, require approval, warn, or set parameters.',
  Budget: 'An amount of money a month, or a number of resources, for a scope.',
  Service: 'An entry of the catalogue: what it is, who owns it, where its source lives.',
  Trust: 'Which job of a CI system may be which service account. Administrators and auditors see it, nobody else.',
}

const counters = Type.Object({ limit: amount, committed: amount, reserved: amount, remaining: amount })
const shownCounters = { limit: '2500.00', committed: '900.00', reserved: '258.00', remaining: '1342.00' }

function schemasOf(kind: Kind): DocumentSchemas {
  const written = documentShapes[kind].schema
  const example = documentExamples[kind]
  const input = Type.Unsafe({ ...written, $id: `${kind}Input`, description: descriptions[kind], examples: [example] })
  const shown = {
    ...example,
    metadata: { ...(example['metadata'] as JsonObject), revision: 3, ...shownTimes },
    ...(kind === 'Budget' ? { status: shownCounters } : {}),
  }
  const answer = Type.Object(
    {
      apiVersion: Type.Literal('purser.dev/v1'),
      kind: Type.Literal(kind),
      metadata: Type.Object({ ...propertiesOf(propertiesOf(written)['metadata']), ...answered }),
      spec: propertiesOf(written)['spec'] ?? openObject,
      ...(kind === 'Budget' ? { status: counters } : {}),
    },
    { $id: kind, description: descriptions[kind], examples: [shown] },
  )
  return { input, answer, page: pageSchema(`${kind}Page`, answer, shown) }
}

/** The members of a core schema, whose optional ones TypeBox knows by a mark on each. */
function propertiesOf(schema: TSchema | undefined): TProperties {
  return isObject(schema) && isObject(schema['properties']) ? (schema['properties'] as TProperties) : {} // Of a TypeBox object.
}

const kindNames = Object.keys(kinds) as Kind[] // The keys of a table over Kind.

export const documentSchemas = Object.fromEntries(kindNames.map((kind) => [kind, schemasOf(kind)])) as {
  readonly [K in Kind]: DocumentSchemas
} // One for each.

const versionExample = {
  ...documentExamples.Service,
  metadata: {
    ...(documentExamples.Service['metadata'] as JsonObject),
    revision: 3,
    appliedAt: '2026-11-24T09:30:00.000Z',
    appliedBy: 'alice@example.com',
  },
}

export const documentVersion = Type.Object(
  {
    apiVersion: Type.Literal('purser.dev/v1'),
    kind: oneOf(kindNames),
    metadata: Type.Unsafe({
      type: 'object',
      required: ['name', 'revision', 'appliedAt', 'appliedBy'],
      properties: { name: { type: 'string' }, revision: { type: 'integer' }, appliedAt: timestamp, appliedBy: { type: 'string' } },
      additionalProperties: true,
    }),
    spec: openObject,
  },
  { $id: 'DocumentVersion', description: 'A document as it was at one revision, and who applied it.', examples: [versionExample] },
)

export const documentVersionPage = pageSchema('DocumentVersionPage', documentVersion, versionExample)

export const dryRunQuery = Type.Object(
  { dryRun: Type.Optional(Type.Boolean({ default: false, description: 'Check and answer the same, and store nothing.' })) },
  { additionalProperties: false },
)

export const batchInput = Type.Object(
  { documents: Type.Array(Type.Unsafe({ oneOf: kindNames.map((kind) => ({ $ref: `${kind}Input#` })) }), { minItems: 1, maxItems: 1_000 }) },
  {
    additionalProperties: false,
    $id: 'DocumentBatch',
    description: 'Documents that are applied together or not at all.',
    examples: [{ documents: [documentExamples.Team, documentExamples.Budget] }],
  },
)

export const applied = Type.Object(
  {
    platformRevision: Type.Integer({ description: 'Grows whenever a document that decides changes.' }),
    results: Type.Array(
      Type.Object({
        kind: oneOf(kindNames),
        name: Type.String(),
        outcome: oneOf(['created', 'changed', 'unchanged']),
        revision: Type.Integer(),
        warnings: Type.Optional(
          Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }), {
            description: 'What is likely a mistake; left out where nothing is.',
          }),
        ),
      }),
    ),
  },
  {
    $id: 'Applied',
    description: 'What became of each document, in their order.',
    examples: [
      {
        platformRevision: 13,
        results: [
          { kind: 'Team', name: 'payments', outcome: 'created', revision: 1 },
          { kind: 'Budget', name: 'payments-prod', outcome: 'unchanged', revision: 2 },
        ],
      },
    ],
  },
)

export const documentComponents = [
  ...Object.values(documentSchemas).flatMap(({ input, answer, page }) => [input, answer, page]),
  documentVersion,
  documentVersionPage,
  batchInput,
  applied,
]
