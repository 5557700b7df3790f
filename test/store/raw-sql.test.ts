import pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { idToUuid } from '../../src/core/ids.ts'
import { requestStates, transitions, type RequestState } from '../../src/core/request.ts'
import { approveRequest } from '../../src/operations/decide-request.ts'
import { readRequest } from '../../src/operations/read-requests.ts'
import { claim, commitAll, requestId } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse } from '../support/house.ts'

/** Whatever the code above does wrong: what the database refuses the application, and what it refuses even the owner. */
const house = await openHouse()
await house.apply(`${boxes}\n---\n${budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '5000.00' }")}`)
const [ann, bob] = [await house.person('ann@example.com'), await house.person('bob@example.com')]
const { pool } = house.context.database

const committed = uuid(await ask(house, ann, [create('committed', 5)], { key: 'k' }))
await commitAll(pool)
const claimed = uuid(await ask(house, ann, [create('claimed', 5)]))
await claim(pool)
const queued = uuid(await ask(house, ann, [create('queued', 5)]))
const pending = uuid(await ask(house, ann, [create('pending', 500)]))
const half = await ask(house, ann, [create('half', 700)])
await approveRequest(house.context, bob, idOf(half), { planDigest: await digestOf(idOf(half)) })
const voted = uuid(half)

function uuid(submitted: Awaited<ReturnType<typeof ask>>): string {
  return idToUuid(requestId(idOf(submitted)))
}

async function digestOf(id: string): Promise<string> {
  const read = await readRequest(house.context, ann, id)
  return read.ok ? String((read.value['plan'] as { digest: string }).digest) : ''
}

const sessions = { application: await connect(house.urls.appUrl), owner: await connect(house.urls.ownerUrl) }

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  afterAll(() => client.end())
  return client
}

/** The SQLSTATE that statements end with, in a transaction that is rolled back; null: they were accepted. */
async function stateOf(who: keyof typeof sessions, sql: string): Promise<string | null> {
  const client = sessions[who]
  await client.query('begin')
  try {
    await client.query(sql)
    return null
  } catch (error) {
    return error instanceof pg.DatabaseError ? (error.code ?? '') : String(error)
  } finally {
    await client.query('rollback')
  }
}

const sha = 'c'.repeat(40)
const branch = '(select id from branch)'
const approval = (request: string, principal: string, digest = 'q.plan_digest') =>
  `insert into approval (request_id, principal_id, vote, plan_digest, satisfies) select q.id, '${principal}', 'approve', ${digest}, '{0}' from request q where q.id = '${request}'`
const setState = (request: string, state: string, more = '') => `update request set state = '${state}'${more} where id = '${request}'`
const withCommit = `, commit_sha = '${sha}', committed_at = now()`

/** A statement, and what the owner gets for it: the guard's own SQLSTATE. */
const wrongs: readonly (readonly [string, string, string])[] = [
  ['raising what is reserved past the limit', `update budget set reserved = limit_amount + 1 where name = 'red-lab'`, 'PU001'],
  ['raising what is committed past the limit', `update budget set committed = limit_amount - reserved + 1 where name = 'red-lab'`, 'PU001'],
  [
    'raising a counter past a limit that goes down',
    `update budget set limit_amount = 1, reserved = reserved + 1 where name = 'red-lab'`,
    'PU001',
  ],
  ['widening what a budget covers', `update budget set team = null where name = 'red-lab'`, 'PU006'],
  ['taking more than is there from a counter', `update budget set reserved = -1 where name = 'red-lab'`, '23514'],
  [
    'reserving twice for one request',
    `insert into budget_entry (budget_id, request_id, kind, amount, delta) select id, '${queued}', 'reserve', 1, 1 from budget`,
    '23505',
  ],
  [
    'resolving one reservation twice',
    `insert into budget_entry (budget_id, request_id, kind, amount) select id, '${committed}', 'release', -500 from budget`,
    '23505',
  ],

  ['an approval by the requester', approval(pending, ann.principal), 'PU004'],
  [
    'an approval by a further party',
    `insert into request_party values ('${pending}', '${bob.principal}'); ${approval(pending, bob.principal)}`,
    'PU004',
  ],
  ['an approval of another digest', approval(pending, bob.principal, `'sha256:' || repeat('0', 64)`), 'PU003'],
  ['an approval of what waits for none', approval(queued, bob.principal), 'PU003'],
  ['an approval of what is committed', approval(committed, bob.principal), 'PU003'],

  ['releasing without approvals', setState(pending, 'queued'), 'PU005'],
  ['releasing with one approval where two are needed', setState(voted, 'queued'), 'PU005'],
  ['asking for fewer approvals', `update approval_requirement set required = 1 where request_id = '${voted}'`, 'PU006'],
  ['taking a requirement away', `delete from approval_requirement where request_id = '${voted}'`, 'PU006'],
  [
    'queueing the delivery of what is pending',
    `insert into delivery (request_id, branch_id, claimed_at, commit_date) values ('${pending}', ${branch}, now(), now())`,
    'PU005',
  ],
  [
    'claiming a delivery that nobody released',
    `insert into delivery (request_id, branch_id) values ('${pending}', ${branch}); update delivery set claimed_at = now(), commit_date = now() where request_id = '${pending}'`,
    'PU005',
  ],
  ['cancelling what delivery has claimed', setState(claimed, 'cancelled'), 'PU005'],
  ['taking a claim back', `update delivery set claimed_at = null, commit_date = null where request_id = '${claimed}'`, 'PU006'],
  ['committing with a commit that is no stored attempt', setState(claimed, 'committed', withCommit), 'PU005'],
  [
    'committing what was never claimed',
    `insert into delivery_attempt values ('${queued}', '${sha}'); ${setState(queued, 'committed', withCommit)}`,
    'PU005',
  ],
  ['a commit without its state', setState(queued, 'queued', withCommit), '23514'],
  [
    'a state without its commit',
    `insert into delivery_attempt values ('${claimed}', '${sha}'); ${setState(claimed, 'committed')}`,
    'PU005',
  ],
  ['another commit for a committed request', `update request set commit_sha = '${sha}' where id = '${committed}'`, 'PU006'],
  ['another plan for a request', `update request set plan_digest = 'sha256:' || repeat('0', 64) where id = '${pending}'`, 'PU006'],
  ['another outcome for a request', `update request set outcome = 'allowed' where id = '${pending}'`, 'PU006'],
  ['another requester for a request', `update request set requester_id = '${bob.principal}' where id = '${pending}'`, 'PU006'],
  ['another key for a request', `update request set idempotency_key = 'other' where id = '${committed}'`, 'PU006'],
  [
    'bytes that are not the bytes of their digest',
    `insert into plan_file (request_id, ordinal, change, path, operation, digest, content) select '${pending}', 9, 0, 'x', 'create', digest, 'other' from plan_file limit 1`,
    '23514',
  ],
  ['changing what a vote said', `update approval set comment = 'never said' where request_id = '${voted}'`, 'PU006'],
  ['turning a vote round', `update approval set vote = 'reject' where request_id = '${voted}'`, 'PU006'],
  ...['event', 'budget_entry', 'plan_file', 'request_change', 'request_party', 'approval_requirement', 'delivery_attempt'].flatMap(
    (table): [string, string, string][] => [
      [`changing a row of ${table}`, `update ${table} set ${table === 'event' ? 'team = null' : 'request_id = request_id'}`, 'PU006'],
    ],
  ),
  ...[
    'event',
    'budget_entry',
    'plan_file',
    'request_change',
    'request_party',
    'approval_requirement',
    'delivery_attempt',
    'approval',
    'delivery',
    'request',
  ].flatMap((table): [string, string, string][] => [
    [`deleting from ${table}`, `delete from ${table}`, 'PU006'],
    [`truncating ${table}`, `truncate ${table} cascade`, 'PU006'],
  ]),
]

describe('raw SQL', () => {
  test.each(wrongs)('%s is refused to the application', async (_, sql) => {
    // The last statement is the wrong one; those before it make room for it and are refused just as well.
    for (const statement of sql.split('; ')) expect(await stateOf('application', statement)).toBe('42501')
  })

  test.each(wrongs)('%s is refused even to the owner', async (_, sql, code) => {
    expect(await stateOf('owner', sql)).toBe(code)
  })

  test('no state follows another that the table does not name, whoever sets it', async () => {
    const requests: readonly (readonly [RequestState, string])[] = [
      ['pending_approval', pending],
      ['queued', queued],
      ['committed', committed],
    ]
    for (const [from, request] of requests) {
      const allowed = new Set<string | null>(Object.values(transitions[from]))
      for (const to of requestStates) {
        expect(await stateOf('application', setState(request, to))).toBe('42501')
        if (to !== from && !allowed.has(to)) expect([from, to, await stateOf('owner', setState(request, to))]).toEqual([from, to, 'PU002'])
      }
    }
  })

  test('a counter is not moved at all by the application, not even down', async () => {
    for (const change of ['reserved = reserved - 1', 'committed = committed', 'limit_amount = limit_amount + 1', 'retired_at = now()']) {
      expect(await stateOf('application', `update budget set ${change}`)).toBe('42501')
    }
  })
})

describe('the application', () => {
  test('has no right on any table but to read it', async () => {
    const { rows } = await sessions.owner.query<{ table: string }>(
      `select c.relname as table from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S') and (
         (c.relkind <> 'S' and (has_table_privilege('purser_app', c.oid, 'insert, update, delete, truncate, references, trigger') or has_any_column_privilege('purser_app', c.oid, 'insert, update, references')))
         or (c.relkind = 'S' and has_sequence_privilege('purser_app', c.oid, 'usage, update')))`,
    )

    expect(rows).toEqual([])
  })

  test('may call the functions that check what they are told, and no other', async () => {
    const { rows } = await sessions.owner.query<{ name: string }>(
      `select p.proname as name from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' and has_function_privilege('purser_app', p.oid, 'execute') order by 1`,
    )

    expect(rows.map((row) => row.name)).toEqual(
      `accept_head admit admit apply_documents branch_work budget_covers budget_delta cancel_request claim_deliveries
       covering_budgets current_generation end_notices ensure_branch exchange_token fail_delivery forget_notices
       keep_admin_token keep_currency know_people know_principal make_service_account mint_token note_events plan_conflicts
       put_kind_schemas refuse_access remove_kind_schema retire_document retire_service_account revoke_token see_person set_branch_state settle_commits
       store_attempts take_branch take_notices touch_tokens type_id vote`.split(/\s+/),
    )
  })

  test('cannot free money, open a budget or write an event by the functions behind those', async () => {
    const calls = [
      `free_request('${queued}')`,
      `open_budget('{}')`,
      `keep_budget('{}')`,
      `record_event('x', '{}', null, 'x', '{}')`,
      'lock_platform(true)',
    ]
    for (const call of calls) expect(await stateOf('application', `select ${call}`)).toBe('42501')
  })
})
