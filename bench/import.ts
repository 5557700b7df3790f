/**
 * Imports every published definition below a folder, one by one, then plans the largest of them, in CPU milliseconds: pure
 * core, no database. `npx tsx bench/import.ts [folder] [plans]`; the folder has `<name>/xrd.yaml` and `<name>/example-1.yaml`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument, type Document } from '../src/core/document/document.ts'
import { importDefinition } from '../src/core/import/import-definition.ts'
import { isObject, type JsonObject } from '../src/core/json.ts'
import { planRequest } from '../src/core/plan-request.ts'
import { checkPlatform } from '../src/core/platform-check.ts'
import { buildPlatform } from '../src/core/platform.ts'
import { parseYamlDocuments } from '../src/core/yaml.ts'

const folder = process.argv[2] ?? join(import.meta.dirname, '../../shared/corpus/xrds')
const PLANS = Number(process.argv[3] ?? '200')

function documentsOf(path: string): readonly JsonObject[] {
  const parsed = parseYamlDocuments(readFileSync(path, 'utf8'))
  return parsed.ok ? (parsed.value as readonly JsonObject[]) : [] // Kubernetes objects.
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1_000
}

function made(kind: string, name: string, spec: JsonObject): Document {
  const parsed = parseDocument({ apiVersion: 'purser.dev/v1', kind, metadata: { name }, spec })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem))
  return parsed.value
}

const places = [
  made('Team', 'red', { members: [{ user: 'ann@example.com', role: 'developer' }] }),
  made('Environment', 'dev', { gitops: { path: 'tenants/${team.name}/dev' }, namespace: '${team.name}-dev' }),
]
const platformOf = (...documents: readonly Document[]) =>
  buildPlatform({
    revision: 1n,
    allowFileRepositories: false,
    documents: [...places, ...documents].map((document) => ({ document, revision: 1 })),
  })

const rows: { name: string; bytes: number; ms: number; blueprint: Document | null }[] = []
const all = process.cpuUsage()
for (const name of readdirSync(folder).filter((entry) => existsSync(join(folder, entry, 'xrd.yaml')))) {
  const path = join(folder, name, 'xrd.yaml')
  const before = process.cpuUsage()
  const imported = importDefinition(documentsOf(path)[0], { price: 'free', allow: null, previous: () => null })
  const blueprint = imported.ok ? imported.value.document : null
  if (blueprint !== null && !checkPlatform(platformOf(blueprint), [{ document: blueprint, pointer: '' }]).ok) throw new Error(name)
  rows.push({ name, bytes: readFileSync(path).length, ms: cpuMs(before), blueprint })
}
const total = cpuMs(all)

const [largest] = rows.toSorted((a, b) => b.bytes - a.bytes)
if (largest === undefined || largest.blueprint === null) throw new Error(`there is nothing to plan in ${folder}`)
const [example = {}] = documentsOf(join(folder, largest.name, 'example-1.yaml'))
const parameters = (isObject(example['spec']) ? example['spec'] : {}) as JsonObject
const platform = platformOf(largest.blueprint)
const changes = [{ action: 'create', blueprint: largest.blueprint.metadata.name, name: 'a', parameters }] as const
const facts = {
  now: new Date(0),
  requester: { subject: 'ann@example.com', kind: 'person', roles: ['developer'], via: null, groups: [] },
  resources: new Map(),
} as const
const plan = () => {
  const planned = planRequest(platform, { team: 'red', environment: 'dev', changes }, facts)
  if (!planned.ok) throw new Error(JSON.stringify(planned.problem))
}
const cold = process.cpuUsage()
plan()
const first = cpuMs(cold)
for (let i = 0; i < 20; i++) plan()
const warm = process.cpuUsage()
for (let i = 0; i < PLANS; i++) plan()
const each = cpuMs(warm) / PLANS

const round = (n: number) => Math.round(n * 100) / 100
console.table({
  'import of all': { definitions: rows.length, refused: rows.filter((row) => row.blueprint === null).length, 'CPU ms': round(total) },
  'import of the largest': { definitions: 1, 'CPU ms': round(largest.ms), bytes: largest.bytes },
  'first plan of the largest': { 'CPU ms': round(first) },
  'plan of the largest, warm': { 'CPU ms': round(each) },
})
