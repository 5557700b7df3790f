import type { Json, JsonObject } from '../../src/core/json.ts'
import { outcomeOf, textAt, type Answer, type AskOptions } from './api.ts'
import { openServer, type InProcess } from './server.ts'

/**
 * A platform for black-box tests over HTTP: boxes of 1.00 a unit; 13 is denied, from 500 on an approver of blue is asked,
 * from 700 on two. Each test makes a team of its own, with a budget of the same name.
 */
export type Journey = InProcess & {
  apply(...documents: readonly JsonObject[]): Promise<Answer>
  /** A team of ann and amy (developers), ove (owner) and vic (viewer). */
  newTeam(limit?: string): Promise<string>
  submit(body: JsonObject, options?: AskOptions): Promise<Answer>
  approve(request: Answer, options: AskOptions): Promise<Answer>
  cancel(request: Answer, options?: AskOptions): Promise<Answer>
  /** `committed+reserved` of the team's budget. */
  money(team: string): Promise<string>
}

export const ann: AskOptions = { as: 'ann@example.com' }
export const amy: AskOptions = { as: 'amy@example.com' }
export const ove: AskOptions = { as: 'ove@example.com' }
export const bob: AskOptions = { as: 'bob@example.com' }
export const bea: AskOptions = { as: 'bea@example.com' }

export function document(kind: string, name: string, spec: JsonObject): JsonObject {
  return { apiVersion: 'purser.dev/v1', kind, metadata: { name }, spec }
}

export function box(name: string, units: Json, more: JsonObject = {}): JsonObject {
  return { action: 'create', blueprint: 'box', name, parameters: { units, ...more } }
}

export function asking(team: string, ...changes: readonly JsonObject[]): JsonObject {
  return { team, environment: 'lab', reason: 'journey', changes }
}

/** How often each outcome occurred. */
export function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[outcomeOf(answer)] = (counts[outcomeOf(answer)] ?? 0) + 1
  return counts
}

/** So many at once. */
export function times<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => make(i)))
}

/** Call it at the top of the file. */
export async function openJourney(): Promise<Journey> {
  const server = await openServer()
  const { api } = server
  let teams = 0
  async function apply(...documents: readonly JsonObject[]): Promise<Answer> {
    const answer = await api('POST', '/v1/apply', { documents })
    if (answer.status !== 200) throw new Error(answer.text)
    return answer
  }
  await apply(...platform)
  return {
    ...server,
    apply,
    async newTeam(limit = '100000.00') {
      teams += 1
      const name = `t${teams}`
      const members = Object.entries({ ann: 'developer', amy: 'developer', ove: 'owner', vic: 'viewer' })
      await apply(
        document('Team', name, { members: members.map(([person, role]) => ({ user: `${person}@example.com`, role })) }),
        document('Budget', name, { scope: { team: name }, limit }),
      )
      return name
    },
    submit: (body, options = ann) => api('POST', '/v1/requests', body, options),
    approve: (request, options) =>
      api('POST', `/v1/requests/${textAt(request, 'id')}/approve`, { planDigest: textAt(request, 'plan.digest') }, options),
    cancel: (request, options = ann) => api('POST', `/v1/requests/${textAt(request, 'id')}/cancel`, undefined, options),
    async money(team) {
      const budget = await api('GET', `/v1/budgets/${team}`, undefined, ann)
      return `${textAt(budget, 'status.committed')}+${textAt(budget, 'status.reserved')}`
    },
  }
}

const platform: readonly JsonObject[] = [
  document('Environment', 'lab', { gitops: { path: 'lab/${team.name}/x' }, namespace: '${team.name}-lab' }),
  document('Environment', 'vault', {
    gitops: { path: 'vault/${team.name}' },
    namespace: '${team.name}-vault',
    deletion: { approvers: { role: 'owner', count: 1 } },
  }),
  document('Team', 'blue', { members: ['bob', 'bea', 'ann'].map((name) => ({ user: `${name}@example.com`, role: 'approver' })) }),
  document('Blueprint', 'box', {
    version: '1.0.0',
    parameters: {
      type: 'object',
      required: ['units'],
      properties: {
        units: { type: 'integer', minimum: 1, maximum: 1_000 },
        note: { type: 'string', maxLength: 200 },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
      },
    },
    price: { monthly: '1.0 * double(parameters.units)' },
    manifests: [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: '${resource.name}', namespace: '${environment.namespace}' },
        data: { units: 'u${parameters.units}', yes: 'yes', note: "${parameters.?note.orValue('none')}" },
      },
    ],
  }),
  document('Policy', 'boxes', {
    match: { blueprints: ['box'], actions: ['create', 'update'] },
    rules: [
      {
        name: 'not-13',
        when: 'parameters.units == 13',
        effect: 'deny',
        message: 'Thirteen is out (${parameters.units})',
        remedy: 'Take twelve',
      },
      { name: 'big', when: 'parameters.units >= 500', effect: 'require-approval', approvers: { team: 'blue', role: 'approver', count: 1 } },
      {
        name: 'huge',
        when: 'parameters.units >= 700',
        effect: 'require-approval',
        approvers: { team: 'blue', role: 'approver', count: 2 },
      },
    ],
  }),
]
