import pg from 'pg'
import { afterAll } from 'vitest'

/** What the owner sees of the purse: counters, and whatever contradicts them. */
export type Purse = {
  /** `committed+reserved/limit` of a budget in force, in its units. */
  counters(name: string): Promise<string>
  /** The same of every budget in force, by name. */
  allCounters(): Promise<Record<string, string>>
  /** Everything in which ledger, counters, live resources and open requests disagree; empty when all is well. */
  discrepancies(): Promise<readonly string[]>
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

/** Call it at the top of the file. */
export function openPurse(ownerUrl: string): Purse {
  const purse = openPurseOn(ownerUrl)
  afterAll(() => purse.close())
  return purse
}

export function openPurseOn(ownerUrl: string): Purse {
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 1 })
  // A pool ends before its connection does; the database may be dropped in between.
  pool.on('error', () => undefined)
  async function query(sql: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    return (await pool.query<Record<string, unknown>>(sql, [...values])).rows
  }
  async function allCounters(): Promise<Record<string, string>> {
    const rows = await query(
      "select name, committed || '+' || reserved || '/' || limit_amount as counters from budget where retired_at is null",
    )
    return Object.fromEntries(rows.map((row) => [String(row['name']), String(row['counters'])]))
  }
  return {
    query,
    counters: async (name) => (await allCounters())[name] ?? 'none',
    allCounters,
    async discrepancies() {
      return (await query(discrepancies)).map((row) => String(row['what']))
    },
    close: () => pool.end(),
  }
}

/** Written apart from the functions that move the counters: from what lives and what is open, by the rules of the contract. */
const discrepancies = `
with delta as (
  select q.id as request, q.state, q.team, q.environment, c.blueprint_name as blueprint, c.cost_after - c.cost_before as cost,
    case c.action when 'create' then 1 when 'delete' then -1 else 0 end as count
  from request q join request_change c on c.request_id = q.id where q.state in ('pending_approval', 'queued')),
pattern as (
  select b.id, case when b.blueprints is null then '^' else '^(' || replace(array_to_string(b.blueprints, '|'), '%', '.*') || ')$' end as glob from budget b),
expected as (
  select b.id, b.name, b.retired_at is null as live, b.committed, b.reserved,
    (select coalesce(sum(case b.measure when 'cost' then x.cost else 1 end), 0) from resource x
      where x.revision > 0 and x.status <> 'deleted' and coalesce(b.team, x.team) = x.team and coalesce(b.environment, x.environment) = x.environment
        and x.blueprint_name ~ p.glob) as lives,
    (select coalesce(sum(greatest(t.delta, 0)), 0) from (
      select sum(case b.measure when 'cost' then d.cost else d.count end) as delta from delta d
      where coalesce(b.team, d.team) = d.team and coalesce(b.environment, d.environment) = d.environment and d.blueprint ~ p.glob group by d.request) t) as promised,
    (select coalesce(sum(e.amount) filter (where e.kind in ('opening', 'capture')), 0) from budget_entry e where e.budget_id = b.id) as booked,
    (select coalesce(sum(e.amount), 0) from budget_entry e where e.budget_id = b.id and e.kind in ('reserve', 'release'))
      - (select coalesce(sum(r.amount), 0) from budget_entry r where r.budget_id = b.id and r.kind = 'reserve'
          and exists (select from budget_entry c where c.budget_id = b.id and c.request_id = r.request_id and c.kind = 'capture')) as held
  from budget b join pattern p on p.id = b.id)
select name || ': committed ' || committed || ', but ' || lives || ' lives' as what from expected where live and committed <> lives
union all select name || ': reserved ' || reserved || ', but ' || promised || ' is promised' from expected where live and reserved <> promised
union all select name || ': committed ' || committed || ', but the ledger says ' || booked from expected where committed <> booked
union all select name || ': reserved ' || reserved || ', but the ledger says ' || held from expected where reserved <> held`
