import { afterAll } from 'vitest'
import { parseYamlDocuments } from '../../src/core/yaml.ts'
import { applyDocuments } from '../../src/operations/apply-documents.ts'
import { scopes, type Caller } from '../../src/operations/caller.ts'
import type { Context } from '../../src/operations/context.ts'
import { openContext, type ContextParts } from '../../src/operations/open-context.ts'
import { submitRequest, type Submitted } from '../../src/operations/submit-request.ts'
import { openDatabase } from '../../src/store/database.ts'
import { openNotices } from '../../src/store/notices.ts'
import { knowPrincipal } from '../../src/store/principals.ts'
import { withDatabase, type TestDatabase } from './database.ts'
import { textOf } from './text-of.ts'

/** Everything but faces and adapters, on a database of the calling file's own. */
export type House = {
  readonly urls: TestDatabase
  readonly context: Context
  readonly administrator: Caller
  /** A person as Team documents know them, with every scope a person can have. */
  person(email: string): Promise<Caller>
  /** Applies YAML documents as the administrator; throws what was refused. */
  apply(yaml: string): Promise<void>
  /** Branches that were hinted at, in order. */
  readonly hinted: string[]
  /** Another process of the same installation: its own memory, its own batches. `deaf`: it never hears that the platform changed. */
  another(options?: { readonly deaf: boolean }): Context
  close(): Promise<void>
}

/** Whom a house believes besides its own tokens. */
export type Believed = Partial<Pick<ContextParts, 'issuers' | 'tokenSigner' | 'platformRoles' | 'groupsTtlMs'>>

/** A house on a database of the calling file's own. Call it at the top of the file. */
export async function openHouse(believed: Believed = {}): Promise<House> {
  const house = await openHouseOn(await withDatabase(), believed)
  afterAll(() => house.close())
  return house
}

export async function openHouseOn(urls: TestDatabase, believed: Believed = {}): Promise<House> {
  const database = openDatabase({ url: urls.appUrl, poolSize: 8, onIdleError: () => undefined })
  const notices = await openNotices(urls.appUrl, () => undefined)
  const hinted: string[] = []
  const hints = { deliver: (branch: string) => void hinted.push(branch), close: async () => undefined, fault: null }
  const parts = {
    ...believed,
    database,
    notices,
    hints,
    currency: 'EUR',
    allowFileRepositories: true,
    pendingMigrations: async () => [],
    now: () => new Date(),
  }
  const context = openContext(parts)
  const principal = await knowPrincipal(database.pool, 'service-account', 'admin')
  const administrator: Caller = {
    principal,
    subject: 'admin',
    kind: 'service-account',
    email: null,
    groups: [],
    scopes: new Set(scopes),
    administrator: true,
    via: null,
    auditor: false,
    team: null,
    onlyTeams: null,
    parties: [],
    credential: { kind: 'api-token', id: null, expiresAt: null },
  }
  const people = new Map<string, Promise<Caller>>()
  async function makePerson(email: string): Promise<Caller> {
    const person = await knowPrincipal(database.pool, 'person', email)
    return { ...administrator, principal: person, subject: email, kind: 'person', email, administrator: false }
  }
  return {
    urls,
    context,
    administrator,
    hinted,
    another: (options) =>
      openContext(options?.deaf === true ? { ...parts, notices: { ...notices, connected: true, onPlatform: () => undefined } } : parts),
    async close() {
      await notices.close()
      await database.close()
    },
    person(email) {
      let known = people.get(email)
      if (known === undefined) people.set(email, (known = makePerson(email)))
      return known
    },
    async apply(yaml) {
      const parsed = parseYamlDocuments(yaml)
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem))
      const applied = await applyDocuments(context, administrator, { documents: parsed.value, dryRun: false })
      if (!applied.ok) throw new Error(JSON.stringify(applied.problem))
    },
  }
}

/** A small platform of the tests' own: boxes of 1.00 a unit; 13 is denied, 500 and more wait for blue. */
export const boxes = `
{ apiVersion: purser.dev/v1, kind: Environment, metadata: { name: lab }, spec: { gitops: { path: 'lab/\${team.name}/x' }, namespace: '\${team.name}-lab', values: { region: eu-north-1 } } }
---
{ apiVersion: purser.dev/v1, kind: Environment, metadata: { name: vault }, spec: { gitops: { path: 'vault/\${team.name}' }, namespace: '\${team.name}-vault', deletion: { approvers: { role: owner, count: 1 } } } }
---
{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: red }, spec: { members: [{ user: ann@example.com, role: developer }, { user: amy@example.com, role: developer }, { user: ove@example.com, role: owner }, { user: vic@example.com, role: viewer }] } }
---
{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: blue }, spec: { members: [{ user: bob@example.com, role: approver }, { user: bea@example.com, role: approver }, { user: ann@example.com, role: approver }] } }
---
{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: grey }, spec: { members: [{ user: zed@example.com, role: owner }] } }
---
apiVersion: purser.dev/v1
kind: Blueprint
metadata: { name: box }
spec:
  version: 1.0.0
  parameters:
    type: object
    required: [units]
    properties: { units: { type: integer, minimum: 0, maximum: 100000 }, note: { type: string, maxLength: 200 } }
  price: { monthly: "1.0 * double(parameters.units)" }
  manifests:
    - { apiVersion: v1, kind: ConfigMap, metadata: { name: '\${resource.name}', namespace: '\${environment.namespace}' }, data: { units: 'u\${parameters.units}', note: "\${parameters.?note.orValue('none')}" } }
---
apiVersion: purser.dev/v1
kind: Policy
metadata: { name: boxes }
spec:
  match: { blueprints: [box] }
  rules:
    - { name: not-13, when: 'action != "delete" && parameters.units == 13', effect: deny, message: 'Thirteen is out (\${parameters.units})', remedy: Take twelve }
    - { name: big, when: 'action != "delete" && parameters.units >= 500', effect: require-approval, approvers: { team: blue, role: approver, count: 1 } }
    - { name: huge, when: 'action != "delete" && parameters.units >= 700', effect: require-approval, approvers: { team: blue, role: approver, count: 2 } }
`

export function budget(name: string, spec: string): string {
  return `{ apiVersion: purser.dev/v1, kind: Budget, metadata: { name: ${name} }, spec: ${spec} }`
}

/** Where an operation happens: a house, or another process of it. */
export type Process = { readonly context: Context }

export type Change = Parameters<typeof submitRequest>[2]['changes'][number]

export function create(name: string, units: number, more: Record<string, string> = {}): Change {
  return { action: 'create', blueprint: 'box', name, parameters: { units, ...more } }
}

export function update(name: string, units: number): Change {
  return { action: 'update', name, parameters: { units } }
}

export function remove(name: string): Change {
  return { action: 'delete', name }
}

/** Submits changes of team red in the lab. */
export async function ask(
  house: Process,
  caller: Caller,
  changes: readonly Change[],
  more: { team?: string; environment?: string; key?: string } = {},
): Promise<Submitted> {
  return submitRequest(
    house.context,
    caller,
    { team: more.team ?? 'red', environment: more.environment ?? 'lab', reason: 'test', changes },
    more.key ?? null,
  )
}

/** What became of it, in a word: the state, or the code of the refusal. */
export function outcomeOf({ answer }: Submitted): string {
  return answer.ok ? textOf(answer.value['state']) : answer.problem.code
}

export function idOf({ answer }: Submitted): string {
  if (!answer.ok)
    throw new Error(JSON.stringify(answer.problem, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
  return textOf(answer.value['id'])
}
