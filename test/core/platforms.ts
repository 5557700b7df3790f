import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument, type Document, type Kind } from '../../src/core/document/document.ts'
import type { LiveResource, Plan, PlanFacts, RequestInput } from '../../src/core/plan.ts'
import { newId } from '../../src/core/ids.ts'
import { buildPlatform, type Platform, type StoredDocument } from '../../src/core/platform.ts'
import { planRequest } from '../../src/core/plan-request.ts'
import type { Problem } from '../../src/core/problem.ts'
import { parseYamlDocuments } from '../../src/core/yaml.ts'

/** Platforms to plan on, for the core's tests. */

export function makeDocument(kind: Kind, name: string, spec: unknown, metadata: object = {}): Document {
  const parsed = parseDocument({ apiVersion: 'purser.dev/v1', kind, metadata: { name, ...metadata }, spec })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem))
  return parsed.value
}

export function makePlatform(documents: readonly Document[], previous?: Platform, revision = 1): Platform {
  const stored: StoredDocument[] = documents.map((document) => ({ document, revision }))
  return buildPlatform({ revision: BigInt(revision), allowFileRepositories: false, documents: stored }, previous)
}

const boxParameters = {
  type: 'object',
  required: ['units'],
  properties: {
    units: { type: 'integer', minimum: 1, maximum: 1000 },
    note: { type: 'string', maxLength: 200 },
    region: { type: 'string', default: 'eu' },
    backup: { type: 'object', default: {}, properties: { days: { type: 'integer', minimum: 0, default: 7 }, window: { type: 'string' } } },
  },
}

export const boxSpec = {
  version: '1.0.0',
  parameters: boxParameters,
  environments: { prod: { defaults: { backup: { days: 30 } } } },
  price: { monthly: '1.0 * double(parameters.units)' },
  manifests: [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: '${resource.name}', namespace: '${environment.namespace}' },
      data: { units: 'u${parameters.units}', note: '${parameters.?note.orValue("none")}', days: '${string(parameters.backup.days)}' },
    },
  ],
}

/** Two teams, two environments, and a box that costs one a unit. */
export const base: readonly Document[] = [
  makeDocument('Team', 'red', {
    members: [
      { user: 'ann@example.com', role: 'developer' },
      { user: 'Ove@Example.com', role: 'owner' },
      { group: 'reds', role: 'viewer' },
    ],
    costCenter: '17',
  }),
  makeDocument('Team', 'blue', { members: [{ user: 'bob@example.com', role: 'approver' }] }),
  makeDocument('Environment', 'dev', {
    gitops: { path: 'tenants/${team.name}/dev' },
    namespace: '${team.name}-dev',
    values: { region: 'eu-north-1' },
  }),
  makeDocument('Environment', 'prod', {
    order: 30,
    gitops: { path: 'tenants/${team.name}/prod', branch: 'live' },
    namespace: '${team.name}-prod',
    values: { region: 'us-east-1' },
    deletion: { approvers: { role: 'owner', count: 2 } },
  }),
  makeDocument('Blueprint', 'box', boxSpec, { tags: ['toy'] }),
]

export function withDocuments(...documents: readonly Document[]): Platform {
  return makePlatform([...base, ...documents])
}

export function makeFacts(resources: readonly LiveResource[] = [], now = new Date('2026-03-02T10:00:00Z')): PlanFacts {
  return {
    now,
    requester: { subject: 'ann@example.com', kind: 'person', roles: ['developer', 'viewer'], via: null, groups: [] },
    resources: new Map(resources.map((resource) => [resource.name, resource])),
  }
}

export function createBox(parameters: object, extra: object = {}): RequestInput {
  // The parameters of a test are JSON, however they are typed.
  return {
    team: 'red',
    environment: 'dev',
    changes: [{ action: 'create', blueprint: 'box', name: 'a-box', parameters, ...extra }],
  } as RequestInput
}

/** What a committed plan leaves behind of its first change. */
export function liveAfter(plan: Plan, revision = 1): LiveResource {
  const [change] = plan.changes
  if (change === undefined || change.parameters === null) throw new Error('nothing lives after this')
  const files = plan.files.flatMap(({ path, digest }) => (digest === null ? [] : [{ path, digest }]))
  return {
    id: change.resourceId ?? newId('resource'),
    name: change.name,
    blueprint: change.blueprint,
    parameters: change.parameters,
    costMinor: change.cost.after,
    ttl: change.ttl,
    revision,
    files,
  }
}

export function planned(platform: Platform, input: RequestInput, facts: PlanFacts = makeFacts()): Plan {
  const plan = planRequest(platform, input, facts)
  if (!plan.ok) throw new Error(`refused: ${JSON.stringify(plan.problem)}`)
  return plan.value
}

export function refusal(platform: Platform, input: RequestInput, facts: PlanFacts = makeFacts()): Problem {
  const plan = planRequest(platform, input, facts)
  if (plan.ok) throw new Error(`planned: ${plan.value.digest}`)
  return plan.problem
}

const examples = join(import.meta.dirname, '../../examples/platform')

/** The documents that `npm start` applies to an empty installation. */
export function exampleDocuments(): readonly Document[] {
  return readdirSync(examples)
    .sort()
    .flatMap((file) => {
      const documents = parseYamlDocuments(readFileSync(join(examples, file), 'utf8'))
      if (!documents.ok) throw new Error(`${file}: ${JSON.stringify(documents.problem)}`)
      return documents.value.map((value) => {
        const parsed = parseDocument(value)
        if (!parsed.ok) throw new Error(`${file}: ${JSON.stringify(parsed.problem)}`)
        return parsed.value
      })
    })
}
