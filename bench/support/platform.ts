import type { RequestInput } from '../../src/core/plan.ts'

/** The platform of the benches: teams with three budgets each, one blueprint of one small file, twenty rules that let it pass. */
export function benchDocuments(teams: readonly string[]): readonly object[] {
  const doc = (kind: string, name: string, spec: object) => ({ apiVersion: 'purser.dev/v1', kind, metadata: { name }, spec })
  const budget = (name: string, scope: object, more: object = { limit: '900000000.00' }) => doc('Budget', name, { scope, ...more })
  const rules = Array.from({ length: 20 }, (_, i) => ({
    name: `rule-${i}`,
    when: `action != 'delete' && parameters.units > ${1_000 + i} && environment.values.region.startsWith('eu-')`,
    effect: 'deny',
    message: `More than ${1_000 + i} (\${parameters.units})`,
  }))
  return [
    doc('Environment', 'lab', {
      gitops: { path: 'lab/${team.name}' },
      namespace: '${team.name}-lab',
      values: { region: 'eu-north-1' },
    }),
    ...teams.map((team) => doc('Team', team, { members: [{ user: 'ann@example.com', role: 'developer' }] })),
    doc('Blueprint', 'box', {
      version: '1.0.0',
      parameters: { type: 'object', properties: { units: { type: 'integer', minimum: 0, default: 1 }, note: { type: 'string' } } },
      price: { monthly: '1.0 * double(parameters.units)' },
      manifests: [
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: '${resource.name}', namespace: '${environment.namespace}' },
          data: { units: 'u${parameters.units}' },
        },
      ],
    }),
    doc('Policy', 'rules', { match: { blueprints: ['box'] }, rules }),
    ...teams.flatMap((team) => [
      budget(`${team}-a`, { team }),
      budget(`${team}-b`, { team, environment: 'lab' }),
      budget(`${team}-c`, { team }, { measure: 'count', limit: 100_000_000 }),
    ]),
  ]
}

export function benchSubmit(team: string, name: string): RequestInput {
  return { team, environment: 'lab', reason: 'bench', changes: [{ action: 'create', blueprint: 'box', name, parameters: { units: 1 } }] }
}

/** Applies the documents, as many at once as one apply takes. */
export async function applyDocuments(url: string, headers: Readonly<Record<string, string>>, documents: readonly object[]): Promise<void> {
  for (let i = 0; i < documents.length; i += 500) {
    const body = JSON.stringify({ documents: documents.slice(i, i + 500) })
    const answer = await fetch(`${url}/v1/apply`, { method: 'POST', headers, body })
    if (answer.status !== 200) throw new Error(`apply: ${answer.status} ${(await answer.text()).slice(0, 500)}`)
  }
}
