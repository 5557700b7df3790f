import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { initialStates, requestMoves, requestStates, transitions } from '../../src/core/request.ts'
import { withDatabase } from '../support/database.ts'

const { ownerUrl } = await withDatabase()
const client = new pg.Client({ connectionString: ownerUrl })
await client.connect()
afterAll(() => client.end())

describe('the table of states', () => {
  test('is the same in the database and in the core, cell by cell', async () => {
    const { rows } = await client.query<{ from_state: string; move: string; to_state: string }>('select * from request_transition')

    const cells = Object.fromEntries(
      requestStates.map((from) => [
        from,
        Object.fromEntries(
          requestMoves.map((move) => [move, rows.find((r) => r.from_state === from && r.move === move)?.to_state ?? null]),
        ),
      ]),
    )
    expect(cells).toEqual(transitions)
    expect(rows).toHaveLength(Object.values(transitions).flatMap((moves) => Object.values(moves).filter((to) => to !== null)).length)
  })

  test('begins where the core says, and nowhere else', async () => {
    const begun: string[] = []
    for (const state of requestStates) {
      for (const outcome of ['allowed', 'requires_approval', 'denied'])
        if (await mayBegin(state, outcome)) begun.push(`${state}/${outcome}`)
    }

    expect(begun).toEqual([
      'pending_approval/requires_approval',
      'queued/allowed',
      'denied/allowed',
      'denied/requires_approval',
      'denied/denied',
    ])
    expect(new Set(begun.map((pair) => pair.split('/')[0]))).toEqual(new Set(initialStates))
  })
})

async function mayBegin(state: string, outcome: string): Promise<boolean> {
  const committed = state === 'committed' || state === 'ready'
  const refused = state === 'denied' || state === 'failed'
  await client.query('begin')
  try {
    await client.query(
      "insert into principal (id, kind, subject) values ('00000000-0000-7000-8000-000000000001', 'person', 'a@example.com')",
    )
    await client.query(
      `insert into request (id, state, team, environment, reason, requester_id, plan_digest, policy_digest, outcome, cost_delta, body, budgets, problem, commit_sha, committed_at, created_at, updated_at)
       values ('00000000-0000-7000-8000-000000000002', $1, 't', 'e', '', '00000000-0000-7000-8000-000000000001', 'sha256:' || repeat('0', 64), '', $2, 0, '{}', '[]', $3, $4, $5, now(), now())`,
      [state, outcome, refused ? '{"code":"x"}' : null, committed ? 'a'.repeat(40) : null, committed ? new Date() : null],
    )
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'PU002' })
    return false
  } finally {
    await client.query('rollback')
  }
}

type Column = { readonly type: string; readonly nullable: boolean }
type Tables = Record<string, Record<string, Column>>

describe('the schema that typed reads go by', () => {
  test('has the tables, columns, types and nullability of the database', async () => {
    const { rows } = await client.query<{ table: string; column: string; type: string; nullable: boolean }>(
      `select c.table_name as table, c.column_name as column, c.udt_name as type, c.is_nullable = 'YES' as nullable
       from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
       where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.table_name <> '_prisma_migrations'`,
    )
    const there: Tables = {}
    for (const { table, column, type, nullable } of rows) {
      // Prisma has no list that may be null; it reads null as an empty one.
      ;(there[table] ??= {})[column] = { type, nullable: type.startsWith('_') ? false : nullable }
    }

    expect(parseSchema(await readFile(join(import.meta.dirname, '../../prisma/schema.prisma'), 'utf8'))).toEqual(there)
  })
})

const types: Record<string, string> = {
  String: 'text',
  Int: 'int4',
  BigInt: 'int8',
  Boolean: 'bool',
  Json: 'jsonb',
  Bytes: 'bytea',
  DateTime: 'timestamp',
}

/** The scalar fields of each model, under the names that they have in the database. */
function parseSchema(text: string): Tables {
  const tables: Tables = {}
  for (const [, body = ''] of text.matchAll(/^model \w+ \{\n([\s\S]*?)\n\}/gm)) {
    const columns: Record<string, Column> = {}
    let table = ''
    for (const line of body.split('\n')) {
      table = /^ *@@map\("(\w+)"\)/.exec(line)?.[1] ?? table
      const [, field = '', type = '', mark = ''] = /^ *(\w+) +(\w+(?:\("\w+"\))?)(\?|\[\])?/.exec(line) ?? []
      const unsupported = /^Unsupported\("(\w+)"\)$/.exec(type)?.[1]
      const native = /@db\.(\w+)/.exec(line)?.[1]?.toLowerCase()
      const base = native ?? unsupported ?? types[type]
      // Anything else is a relation: no column.
      if (base !== undefined)
        columns[/@map\("(\w+)"\)/.exec(line)?.[1] ?? field] = { type: mark === '[]' ? `_${base}` : base, nullable: mark === '?' }
    }
    tables[table] = columns
  }
  return tables
}
