import pg from 'pg'

/** How many teams there are, and how many people in each. */
export const TEAMS = 300
export const PEOPLE = 3

/**
 * Loads requests `from` to `to` with all that belongs to them, as if they had been asked for every half minute: two in five
 * create a resource of some team (every team has an `app-0`, an `app-1`, …), the others update one; of a hundred of these one waits, five are
 * denied, failed, rejected or cancelled, and a few are queued. As superuser and without triggers, else it takes hours; the
 * request named `template` lends its body, and the checks of the tables hold all the same.
 */
export async function loadRequests(url: string, template: string, from: number, to: number): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('set session_replication_role = replica')
    await client.query('set synchronous_commit = off')
    for (let at = from; at < to; at += CHUNK) {
      await client.query('begin')
      await client.query(staged, [at, Math.min(at + CHUNK, to) - 1])
      for (const statement of statements) await client.query(statement.replaceAll('TEMPLATE', client.escapeLiteral(template)))
      await client.query('drop table staged')
      await client.query('commit')
    }
    await client.query('vacuum analyze')
    await client.query('checkpoint')
  } finally {
    await client.end()
  }
}

const CHUNK = 50_000

/** UUIDv7 of the `n`th thing, made at `at`. */
const id = (kind: string, n: string, at: string) =>
  `(lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0') || '7' || substr(md5('${kind}' || ${n}), 1, 3) || '8' || substr(md5('${kind}' || ${n}), 4, 15))::uuid`
/** When the `n`th request was made: all before today. */
const madeAt = (n: string) => `(date_trunc('day', now()) - interval '400 days' + ${n} * interval '30 seconds')`

/** `n`: the request; `k`: its resource, created by request `20 * (k / 8) + k % 8`. */
const staged = `
  create temporary table staged as
  select s.*, ${id('q', 's.n', 's.at')} as id, type_id('req', ${id('q', 's.n', 's.at')}) as shown,
    ${id('x', 's.k', madeAt('(20 * (s.k / 8) + s.k % 8)'))} as resource, 't' || (s.k % ${TEAMS}) as team, 'app-' || (s.k / ${TEAMS}) as name,
    (array['lab', 'lab', 'lab', 'lab', 'lab', 'staging', 'staging', 'staging', 'prod', 'prod'])[1 + (s.k / ${TEAMS}) % 10] as environment,
    case when s.creates or s.h >= 70 then 'committed' when s.h < 10 then 'pending_approval' when s.h < 30 then 'denied' when s.h < 45 then 'failed'
      when s.h < 60 then 'rejected' when s.h < 68 then 'cancelled' else 'queued' end as state,
    not s.creates and (s.h < 10 or s.h between 45 and 59 or s.h between 70 and 119) as asks,
    encode(sha256(s.n::text::bytea), 'hex') as hash
  from (select n, n % 20 < 8 as creates, ${madeAt('n')} as at, abs(hashint8(n)) % 1000 as h,
      case when n % 20 < 8 then n / 20 * 8 + n % 20 else abs(hashint8(n + 7)) % greatest(n / 20 * 8, 8) end as k
    from generate_series($1::bigint, $2::bigint) n) s`

const file = `'apiVersion: v1' || chr(10) || 'kind: ConfigMap' || chr(10) || 'metadata:' || chr(10) || '  name: ' || s.name || chr(10) || 'data:' || chr(10) || '  units: u1' || chr(10)`
const digest = `'sha256:' || encode(sha256(convert_to(${file}, 'UTF8')), 'hex')`
const path = `s.environment || '/' || s.team || '/' || s.name || '/00-configmap-' || s.name || '.yaml'`
const person = `(select p.id from principal p where p.subject = 'dev' || substr(s.team, 2) || '-' || s.n % ${PEOPLE} || '@example.com')`
const event = (type: string, subject: string, where: string) => `
  insert into event (id, type, time, actor, team, subject, data)
    select gen_random_uuid(), 'dev.purser.${type}.v1', s.at, jsonb_build_object('subject', 'dev' || substr(s.team, 2) || '-0@example.com', 'kind', 'person', 'via', null),
      s.team, ${subject}, jsonb_build_object('environment', s.environment, 'planDigest', 'sha256:' || s.hash) from staged s where ${where} order by s.n`

const statements = [
  'analyze staged',
  `insert into request (id, state, team, environment, reason, requester_id, plan_digest, policy_digest, outcome, cost_delta, body, budgets, problem, commit_sha, committed_at, created_at, updated_at)
    select s.id, s.state, s.team, s.environment, 'loaded', ${person}, 'sha256:' || s.hash, t.policy_digest,
      case when s.asks then 'requires_approval' when s.state = 'denied' then 'denied' else 'allowed' end, 100,
      case when s.asks then replace(replace(t.body::text, 'template', s.name), '"approvals":[]',
        '"approvals":[{"source":"policy","policy":"rules","rule":"big","approvers":{"team":"dba","role":"approver"},"required":1}]')
        else replace(t.body::text, 'template', s.name) end::json,
      replace(t.budgets::text, '"t0-', '"' || s.team || '-')::jsonb,
      case s.state when 'denied' then '{"code": "policy-denied", "violations": [{"policy": "rules", "rule": "no", "message": "No"}], "budgets": []}'::jsonb
        when 'failed' then '{"code": "delivery-refused", "detail": "The branch refuses it"}'::jsonb end,
      case s.state when 'committed' then left(s.hash, 40) end, case s.state when 'committed' then s.at end, s.at, s.at
    from staged s, (select policy_digest, body, budgets from request where id = TEMPLATE) t order by s.n`,
  `insert into request_party (request_id, principal_id) select s.id, ${person} from staged s order by s.n`,
  `insert into request_change (request_id, ordinal, action, resource_id, name, blueprint_name, blueprint_version, parameters, cost_before, cost_after, base_revision, overwrite, objects)
    select s.id, 0, case when s.creates then 'create' else 'update' end, s.resource, s.name, 'box', '1.0.0', '{"units": 1}',
      case when s.creates then 0 else 100 end, 100, case when s.creates then null else 1 end, false, '[]' from staged s order by s.n`,
  `insert into plan_file (request_id, ordinal, change, path, operation, digest, content)
    select s.id, 0, 0, ${path}, case when s.creates then 'create' else 'update' end, ${digest}, ${file} from staged s order by s.n`,
  `insert into resource (id, team, environment, name, blueprint_name, blueprint_version, parameters, cost, revision, status, last_request_id, created_at, updated_at)
    select s.resource, s.team, s.environment, s.name, 'box', '1.0.0', '{"units": 1}', 100, 1,
      case when s.h < 20 then 'degraded' when s.h < 40 then 'deleted' else 'unknown' end, s.id, s.at, s.at from staged s where s.creates order by s.n`,
  `insert into resource_file (resource_id, path, digest, content) select s.resource, ${path}, ${digest}, ${file} from staged s where s.creates and (s.h < 20 or s.h >= 40) order by s.n`,
  `insert into object_claim (environment, api_group, kind, namespace, name, resource_id)
    select s.environment, '', 'ConfigMap', s.team || '-' || s.environment, s.name, s.resource from staged s where s.creates and (s.h < 20 or s.h >= 40) order by s.n`,
  `insert into approval_requirement (request_id, ordinal, source, policy, rule, team, role, required)
    select s.id, 0, 'policy', 'rules', 'big', 'dba', 'approver', 1 from staged s where s.asks order by s.n`,
  `insert into waiting_approval (request_id, ordinal, team, role, required)
    select s.id, 0, 'dba', 'approver', 1 from staged s where s.state = 'pending_approval' order by s.n`,
  `insert into approval (request_id, principal_id, vote, plan_digest, satisfies)
    select s.id, (select p.id from principal p where p.subject = 'dan@example.com'), case s.state when 'rejected' then 'reject' else 'approve' end, 'sha256:' || s.hash, '{0}'
    from staged s where s.asks and s.state <> 'pending_approval' order by s.n`,
  `insert into budget_entry (budget_id, request_id, kind, amount, delta, at)
    select b.id, s.id, e.kind, case b.measure when 'cost' then 100 else 1 end, case when e.kind = 'reserve' then case b.measure when 'cost' then 100 else 1 end end, s.at
    from staged s join budget b on b.team = s.team and (b.environment is null or b.environment = s.environment) cross join (values ('reserve'), ('capture')) e(kind)
    where s.creates order by s.n`,
  `update budget b set committed = b.committed + t.sum
    from (select e.budget_id, sum(e.amount) as sum from staged s join budget_entry e on e.request_id = s.id where e.kind = 'capture' group by 1) t where t.budget_id = b.id`,
  `insert into delivery (request_id, branch_id, claimed_at, commit_date, finished_at)
    select s.id, (select b.id from branch b limit 1), case when s.state <> 'queued' then s.at end, case when s.state <> 'queued' then s.at end, case when s.state <> 'queued' then s.at end
    from staged s where s.state in ('committed', 'failed', 'queued') order by s.n`,
  `insert into delivery_attempt (request_id, sha) select s.id, left(s.hash, 40) from staged s where s.state = 'committed' order by s.n`,
  event('request.submitted', 's.shown', `s.state <> 'denied'`),
  event('request.denied', 's.shown', `s.state = 'denied'`),
  event('request.approved', 's.shown', `s.asks and s.state = 'committed'`),
  event('request.committed', 's.shown', `s.state = 'committed'`),
  event('resource.changed', `type_id('res', s.resource)`, `s.state = 'committed'`),
]
