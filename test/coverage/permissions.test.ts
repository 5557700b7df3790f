import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { kinds } from '../../src/core/document/document.ts'
import { operationOf, operations, permissionOf, type Operation, type Scope } from '../../src/core/permissions.ts'
import type { TeamRole } from '../../src/core/plan.ts'
import { roleAtLeast } from '../../src/core/roles.ts'
import { isObject } from '../../src/core/json.ts'
import { makeSchema } from '../../src/faces/graphql/schema.ts'

/**
 * The table of who may do what, held against what there is: every operation of REST and every field of GraphQL has a row, no
 * row is without one, and the matrix of answers (routes-roles.test.ts) is what the table says.
 */
const routes = readRoutes()

/** What a route is called in the table: of documents it is GraphQL's name. */
function rowOf(operationId: string): string {
  const [, many] = /^list(\w+)Documents$/.exec(operationId) ?? []
  if (many !== undefined) {
    const path = Object.entries(kinds).find(([kind]) => kind === many)?.[1].path ?? ''
    return `list${path[0]?.toUpperCase()}${path.slice(1)}`
  }
  return operationId.replace(/^(put|delete|read)(\w+)Document$/, '$1$2')
}

function readRoutes(): ReadonlyMap<string, string> {
  const { paths } = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as { paths: Record<string, Record<string, unknown>> }
  return new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, operation]) =>
        isObject(operation) && !Array.isArray(operation['security'])
          ? [[`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`, rowOf(String(operation['operationId']))] as const]
          : [],
      ),
    ),
  )
}

test('every operation that takes a caller has a row, and every row an operation', () => {
  const named = operations.filter((operation) => permissionOf(operation).caseOf === undefined)
  const cases = operations.flatMap((operation) => permissionOf(operation).caseOf ?? [])

  expect([...new Set(routes.values())].toSorted()).toEqual(named.toSorted())
  expect(cases.filter((operation) => !named.some((each) => each === operation))).toEqual([])
})

test('every field of GraphQL that is asked for by itself is the operation of a row', () => {
  const others: Readonly<Record<string, Operation>> = {
    me: 'readMe',
    permissions: 'readPermissions',
    verification: 'verifyGitops',
    apply: 'applyDocuments',
    requestChanged: 'listRequestEvents',
    teamActivity: 'followTeamEvents',
    budgetChanged: 'readBudget',
  }
  const schema = makeSchema()
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  const fields = roots.flatMap((type) => Object.keys(type?.getFields() ?? {}))
  const row = (field: string) => {
    const name = `${field[0]?.toUpperCase()}${field.slice(1)}`
    return others[field] ?? [field, `read${name}`, `list${name}`].find((each) => operationOf(each) === each)
  }

  expect(fields.length).toBeGreaterThan(40)
  // A node is read by the row of whatever it is.
  expect(fields.filter((field) => row(field) === undefined)).toEqual(['node'])
})

test('no two rows have one verb', () => {
  const verbs = operations.map((operation) => permissionOf(operation).verb)

  expect(verbs.filter((verb, i) => verbs.indexOf(verb) !== i)).toEqual([])
  expect(verbs.map(operationOf)).toEqual(operations)
})

test('an auditor reads what an administrator reads, and changes nothing', () => {
  const may = (role: 'administrator' | 'auditor') =>
    operations.filter((operation) => {
      const { who } = permissionOf(operation)
      return 'platform' in who && who.platform.some((each) => each === role)
    })
  const reading = (operation: Operation) => ['read', 'audit:read'].includes(permissionOf(operation).scope ?? '')

  expect(may('auditor')).toEqual(may('administrator').filter(reading))
})

/** Who the columns of the matrix are, as far as the table asks: about team red, whose things its rows are about. */
type Who = { readonly role: TeamRole | null; readonly scopes: readonly Scope[]; readonly platform: readonly string[] }
const ofPeople: readonly Scope[] = ['read', 'requests:write', 'approvals:write']
const all: readonly Scope[] = [...ofPeople, 'platform:write', 'audit:read']
const person = (role: TeamRole | null): Who => ({ role, scopes: ofPeople, platform: [] })
const columns: Readonly<Record<string, Who>> = {
  stranger: person(null),
  viewer: person('viewer'),
  developer: person('developer'),
  approver: person('approver'),
  owner: person('owner'),
  other: person(null),
  named: person(null),
  asker: person('developer'),
  admin: { role: null, scopes: all, platform: ['administrator'] },
  signed: { role: 'owner', scopes: all, platform: [] },
  auditor: { role: null, scopes: all, platform: ['auditor'] },
}

function may(operation: Operation, { role, scopes, platform }: Who): boolean {
  const { scope, who } = permissionOf(operation)
  if (scope !== null && !scopes.includes(scope)) return false
  if (who.kind === 'anyone') return true
  if ('platform' in who && who.platform.some((each) => platform.includes(each))) return true
  return who.kind !== 'platform' && role !== null && roleAtLeast(role, who.role)
}

type Line = { readonly name: string; readonly operation: Operation; readonly cells: ReadonlyMap<string, string> }

/** Rows that are about something else than one thing, or one document, of red. */
const elsewhere = [
  'GET /v1/events',
  'POST /v1/apply',
  'POST /v1/apply (own team and service)',
  'PUT /v1/services/:name (of another)',
  'PUT /v1/services/:name (to another)',
  'DELETE /v1/services/:name (of another)',
  'GET /v1/budgets/:name (of all)',
  'GET /v1/requests (awaiting me)',
  'GET /v1/requests (awaiting me, own approver)',
  // Whom a requirement names has a role in another team.
  'POST /v1/requests/:id/approve',
  'POST /v1/requests/:id/approve (through admin)',
  'POST /v1/requests/:id/reject',
]
const cases: Readonly<Record<string, Operation>> = {
  'PUT /v1/teams/:name (new)': 'putTeamCard',
  'PUT /v1/teams/:name (cost center)': 'putTeamCard',
  'POST /v1/service-accounts/:name/tokens (bot)': 'createBotToken',
}

function readMatrix(): readonly Line[] {
  const source = readFileSync('test/coverage/routes-roles.test.ts', 'utf8')
  const [head = '', ...lines] = (/^const table = `\n([^`]*)`/m.exec(source)?.[1] ?? '').split('\n').filter((line) => line.trim() !== '')
  const names = head.trim().split(/ +/)
  return lines.flatMap((line) => {
    const [, method = '', url = '', variant = '', cells = ''] = /^(\w+) +(\S+)(?: \(([^)]*)\))? +(.*)$/.exec(line) ?? []
    const name = `${method} ${url}${variant === '' ? '' : ` (${variant})`}`
    const operation = cases[name] ?? operationOf(routes.get(`${method} ${url}`) ?? '')
    if (operation === null || elsewhere.includes(name)) return []
    const shown = cells.trim().split(/ +/)
    return [{ name, operation, cells: new Map(names.map((column, i) => [column, shown[i] ?? ''])) }]
  })
}

/** What another asked for takes another row than one's own. */
function rowFor(operation: Operation, column: string): Operation {
  if (column === 'asker') return operation
  return operation === 'cancelRequest' ? 'cancelOthersRequest' : operation === 'retryRequest' ? 'retryOthersRequest' : operation
}

describe('whoever is answered what', () => {
  const matrix = readMatrix()

  test('most of the matrix is about one row and one team', () => {
    expect(matrix.length).toBeGreaterThan(60)
    expect([...(matrix[0]?.cells.keys() ?? [])].filter((column) => columns[column] === undefined)).toEqual(['nobody', 'wrong'])
  })

  test.each(matrix)('$name', ({ operation, cells }) => {
    const seen: string[] = []
    const said: string[] = []
    for (const [column, cell] of cells) {
      const who = columns[column]
      // Whom a requirement names reads that request, which no role says.
      if (who === undefined || cell === 'own' || (column === 'named' && permissionOf(operation).note?.startsWith('Whoever') === true))
        continue
      seen.push(`${column} ${['403', '404', '[]'].includes(cell) ? 'no' : 'yes'}`)
      said.push(`${column} ${may(rowFor(operation, column), who) ? 'yes' : 'no'}`)
    }

    expect(seen).toEqual(said)
  })
})
