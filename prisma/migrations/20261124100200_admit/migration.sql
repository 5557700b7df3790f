-- Admission: the one statement behind a submit. It takes an array, so that submits which arrive together leave together;
-- each gets its own answer, and a refused one does not disturb its neighbours.
--
-- Locks, always in this order: platform (shared) → keys of names, objects and idempotency (by hash) → resources (by id)
-- → budgets (by id). Each step reads after its lock, as a statement of its own: under READ COMMITTED a statement that
-- locks and reads at once still sees what was there before it waited.
--
-- A submit: {id, platformRevision, principal, via, parties[], scope, key, fingerprint, team, environment, reason, outcome,
-- planDigest, policyDigest, costDelta, repository, branch, body (text), problem, actor, subject, keys[], approvals[], changes[], files[]}.
-- An answer: {outcome: admitted | denied | stale | again | replay | key-reused | resource-exists | resource-busy |
-- object-exists, …}. `again`: a neighbour in this array holds the same key; ask once more, alone.

-- Documents that decide take this lock exclusively, admissions and votes share it: so no rule applied a moment ago is
-- missed, and a budget that opens counts everything that lives.
create function lock_platform(exclusive boolean) returns bigint language plpgsql as $$
begin
  if exclusive then perform pg_advisory_xact_lock(7073, 1); else perform pg_advisory_xact_lock_shared(7073, 1); end if;
  return (select revision from platform);
end $$;

create function record_event(type text, actor jsonb, team text, subject text, data jsonb) returns void language sql as $$
  insert into event (id, type, actor, team, subject, data) values (new_uuid(), 'dev.purser.' || type || '.v1', actor, team, subject, coalesce(data, '{}'))
$$;

-- A request's id as people see it in events: TypeID's base32 of the UUID (https://github.com/jetify-com/typeid, spec 0.3).
create function type_id(prefix text, id uuid) returns text language sql immutable as $$
  select prefix || '_' || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + substring(b.bits from 1 + 5 * i for 5)::int, 1), '' order by i)
  from (select ('00' || ('x' || replace(id::text, '-', ''))::bit(128)::text)::bit(130) as bits) b, generate_series(0, 25) i
$$;

-- What one change means for one budget.
create function budget_delta(measure text, action text, cost_before bigint, cost_after bigint) returns bigint language sql immutable as $$
  select case when measure = 'cost' then cost_after - cost_before when action = 'create' then 1 when action = 'delete' then -1 else 0 end
$$;

create function budget_covers(b budget, team text, environment text, blueprint text) returns boolean language sql immutable as $$
  select (b.team is null or b.team = team) and (b.environment is null or b.environment = environment)
    and (b.blueprints is null or blueprint like any (b.blueprints))
$$;

-- The covering budgets of planned changes and what each would be asked for; netted, since they land in one commit. Two
-- look-ups by key, so that the index on team is used whatever the planner knows of the table.
create function covering_budgets(team text, environment text, changes jsonb) returns table (budget_id uuid, delta bigint) language sql stable as $$
  select b.id, sum(budget_delta(b.measure, c->>'action', (c->>'costBefore')::bigint, (c->>'costAfter')::bigint))::bigint
  from (select * from budget o where o.team = $1 and o.retired_at is null union all select * from budget o where o.team is null and o.retired_at is null) b,
    jsonb_array_elements(changes) c
  where (b.environment is null or b.environment = $2) and (b.blueprints is null or c->>'blueprintName' like any (b.blueprints))
  group by b.id
$$;

create function budget_snapshot(b budget, committed bigint, reserved bigint, requested bigint) returns jsonb language sql immutable as $$
  select jsonb_build_object('name', b.name, 'team', b.team, 'measure', b.measure, 'limit', b.limit_amount, 'committed', committed,
    'reserved', reserved, 'requested', requested)
$$;

-- Thresholds that are reached now and were not before, as events. Nothing used reaches nothing.
create function alert_budget(b budget, used_before bigint, limit_before bigint, used bigint) returns void language sql as $$
  select record_event('budget.alert', '{"subject": "purser", "kind": "system", "via": null}', b.team, b.name,
    jsonb_build_object('percent', t, 'used', used, 'limit', b.limit_amount, 'measure', b.measure))
  from unnest(b.alert_at) t
  where used > 0 and used::numeric * 100 >= b.limit_amount::numeric * t
    and not (used_before > 0 and used_before::numeric * 100 >= limit_before::numeric * t)
$$;

-- What stands in the way of a plan, one row a submit, the first reason only: names and objects taken, resources that
-- moved on. `plan_conflicts` reads; `admit` calls it with the rows locked. `limit 1` on what is unique keeps each look-up
-- one of its whole key: joined, the planner of a young database goes by the first column, and reads an environment.
create function plan_conflicts(submits jsonb[]) returns table (ord bigint, verdict jsonb) language sql stable as $$
  select distinct on (f.ord) f.ord, f.verdict from (
    select s.ord, c.ordinal, 0 as rank,
      case
        when c.doc->>'action' = 'create' then
          case when r.id is null then null
               when r.revision = 0 then jsonb_build_object('outcome', 'resource-busy', 'change', c.ordinal - 1, 'request', r.open_request_id)
               else jsonb_build_object('outcome', 'resource-exists', 'change', c.ordinal - 1) end
        when r.id is null or r.revision <> (c.doc->>'baseRevision')::int then '{"outcome": "stale"}'
        when r.open_request_id is not null then jsonb_build_object('outcome', 'resource-busy', 'change', c.ordinal - 1, 'request', r.open_request_id)
      end as verdict
    from unnest(submits) with ordinality s(doc, ord), jsonb_array_elements(s.doc->'changes') with ordinality c(doc, ordinal)
      left join lateral (
        select r.* from resource r
        where r.status <> 'deleted' and r.team || '/' || r.environment || '/' || r.name = (s.doc->>'team') || '/' || (s.doc->>'environment') || '/' || (c.doc->>'name')
          and (c.doc->>'action' = 'create' or r.id = (c.doc->>'resourceId')::uuid)
        limit 1) r on true
    union all
    select s.ord, c.ordinal, 1, jsonb_build_object('outcome', 'object-exists', 'change', c.ordinal - 1, 'object', o)
    from unnest(submits) with ordinality s(doc, ord)
      cross join jsonb_array_elements(s.doc->'changes') with ordinality c(doc, ordinal)
      cross join jsonb_array_elements(c.doc->'objects') o
      cross join lateral (
        select k.resource_id from object_claim k
        where k.environment = s.doc->>'environment' and k.api_group = o->>'group' and k.kind = o->>'kind' and k.namespace = o->>'namespace' and k.name = o->>'name'
        limit 1) k
    where c.doc->>'action' = 'create' or k.resource_id <> (c.doc->>'resourceId')::uuid
  ) f where f.verdict is not null
  order by f.ord, f.rank, f.ordinal
$$;

create function admit(submits jsonb[]) returns table (ordinal integer, answer jsonb)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  n integer := coalesce(cardinality(submits), 0);
  verdict jsonb[] := array_fill(null::jsonb, array[coalesce(cardinality(submits), 0)]);
  current_revision bigint;
  r record;
  -- Which budgets cover which submit, and what it asks of them.
  v_ord bigint[];
  v_budget uuid[];
  v_delta bigint[];
  -- The locked budgets by position, and their usage as the loop moves it.
  b_all budget[];
  b_id uuid[];
  b_committed bigint[];
  b_before bigint[];
  b_reserved bigint[];
  -- What the loop decides, to be written set by set.
  d_ord integer[] := '{}';
  d_budget uuid[] := '{}';
  d_delta bigint[] := '{}';
  shown jsonb;
  short jsonb;
  admitted boolean;
  from_at integer;
  to_at integer;
  place integer;
  i integer;
begin
  current_revision := lock_platform(false);

  -- One holder a key within the array; the first wins.
  for r in
    select distinct x.ord from (
      select s.ord, min(s.ord) over (partition by k) as first
      from unnest(submits) with ordinality s(doc, ord), jsonb_array_elements_text(s.doc->'keys') k) x
    where x.ord > x.first
  loop verdict[r.ord] := '{"outcome": "again"}'; end loop;

  -- Between processes: waiting here turns what would be unique violations into plain reads below.
  perform pg_advisory_xact_lock(t.h) from (
    select distinct hashtextextended(k, 7073) as h from unnest(submits) s(doc), jsonb_array_elements_text(s.doc->'keys') k order by 1 offset 0) t;

  for r in
    select s.ord, q.id, q.fingerprint = s.doc->>'fingerprint' as same
    from unnest(submits) with ordinality s(doc, ord)
      join request q on q.idempotency_scope = s.doc->>'scope' and q.idempotency_key = s.doc->>'key'
    where verdict[s.ord] is null
  loop
    verdict[r.ord] := case when r.same then jsonb_build_object('outcome', 'replay', 'request', r.id) else '{"outcome": "key-reused"}' end;
  end loop;

  for i in 1..n loop
    if verdict[i] is null and (submits[i]->>'platformRevision')::bigint <> current_revision then verdict[i] := '{"outcome": "stale"}'; end if;
  end loop;

  perform from resource x where x.id in (
    select (c->>'resourceId')::uuid from unnest(submits) with ordinality s(doc, ord), jsonb_array_elements(s.doc->'changes') c
    where verdict[s.ord] is null and c->>'action' <> 'create')
  order by x.id for no key update;

  for r in select * from plan_conflicts(submits) loop
    verdict[r.ord] := coalesce(verdict[r.ord], r.verdict);
  end loop;

  -- L1. Which budgets is fixed by the platform lock; lock them first, read then: the usage is what is there once every
  -- earlier holder has gone.
  select coalesce(array_agg(s.ord order by s.ord, v.budget_id), '{}'), coalesce(array_agg(v.budget_id order by s.ord, v.budget_id), '{}'),
      coalesce(array_agg(v.delta order by s.ord, v.budget_id), '{}')
    into v_ord, v_budget, v_delta
    from unnest(submits) with ordinality s(doc, ord) cross join lateral covering_budgets(s.doc->>'team', s.doc->>'environment', s.doc->'changes') v
    where verdict[s.ord] is null;
  b_id := array(select distinct x from unnest(v_budget) x order by x);
  perform from budget b where b.id = any (b_id) order by b.id for no key update;
  select coalesce(array_agg(b order by b.id), '{}'), coalesce(array_agg(b.committed order by b.id), '{}'), coalesce(array_agg(b.reserved order by b.id), '{}')
    into b_all, b_committed, b_reserved
    from budget b where b.id = any (b_id);
  b_before := b_reserved;

  from_at := 1;
  for o in 1..n loop
    continue when verdict[o] is not null;
    to_at := from_at - 1;
    while to_at < cardinality(v_ord) and v_ord[to_at + 1] = o loop to_at := to_at + 1; end loop;
    shown := '[]';
    short := '[]';
    for i in from_at..to_at loop
      place := array_position(b_id, v_budget[i]);
      if v_delta[i] > 0 and b_committed[place] + b_reserved[place] + v_delta[i] > b_all[place].limit_amount then
        short := short || budget_snapshot(b_all[place], b_committed[place], b_reserved[place], v_delta[i]);
      end if;
    end loop;
    admitted := submits[o]->>'outcome' <> 'denied' and short = '[]';
    for i in from_at..to_at loop
      place := array_position(b_id, v_budget[i]);
      if admitted then
        b_reserved[place] := b_reserved[place] + greatest(v_delta[i], 0);
        d_ord := d_ord || o;
        d_budget := d_budget || v_budget[i];
        d_delta := d_delta || v_delta[i];
      end if;
      shown := shown || budget_snapshot(b_all[place], b_committed[place], b_reserved[place], v_delta[i]);
    end loop;
    verdict[o] := case when admitted then jsonb_build_object('outcome', 'admitted', 'budgets', shown)
      else jsonb_build_object('outcome', 'denied', 'budgets', shown, 'short', short) end;
    from_at := to_at + 1;
  end loop;

  insert into request (id, state, team, environment, reason, requester_id, via_id, plan_digest, policy_digest, outcome, cost_delta,
      body, budgets, problem, idempotency_scope, idempotency_key, fingerprint, created_at, updated_at)
    select (s.doc->>'id')::uuid,
      case when v->>'outcome' = 'denied' then 'denied' when s.doc->>'outcome' = 'allowed' then 'queued' else 'pending_approval' end,
      s.doc->>'team', s.doc->>'environment', s.doc->>'reason', (s.doc->>'principal')::uuid, (s.doc->>'via')::uuid,
      s.doc->>'planDigest', s.doc->>'policyDigest', s.doc->>'outcome', (s.doc->>'costDelta')::bigint,
      (s.doc->>'body')::json, v->'budgets',
      case when v->>'outcome' = 'denied' then coalesce(nullif(s.doc->'problem', 'null'), '{"code": "budget-exceeded"}') || jsonb_build_object('budgets', v->'short') end,
      s.doc->>'scope', s.doc->>'key', s.doc->>'fingerprint', now(), now()
    from unnest(submits, verdict) with ordinality s(doc, v, ord)
    where v->>'outcome' in ('admitted', 'denied')
    order by s.ord;

  -- Who asks had a part, and whoever asked for them, whatever the caller lists.
  insert into request_party (request_id, principal_id)
    select distinct (s.doc->>'id')::uuid, p::uuid
    from unnest(submits, verdict) s(doc, v),
      lateral (select jsonb_array_elements_text(s.doc->'parties') union all select s.doc->>'principal' union all select s.doc->>'via') t(p)
    where v->>'outcome' in ('admitted', 'denied') and p is not null;

  insert into resource (id, team, environment, name, blueprint_name, blueprint_version, parameters, cost, ttl, status, open_request_id, last_request_id, created_at, updated_at)
    select (c->>'resourceId')::uuid, s.doc->>'team', s.doc->>'environment', c->>'name', c->>'blueprintName', c->>'blueprintVersion', c->'parameters',
      (c->>'costAfter')::bigint, c->>'ttl', 'provisioning', (s.doc->>'id')::uuid, (s.doc->>'id')::uuid, now(), now()
    from unnest(submits, verdict) s(doc, v), jsonb_array_elements(s.doc->'changes') c
    where v->>'outcome' = 'admitted' and c->>'action' = 'create';

  update resource x set open_request_id = (s.doc->>'id')::uuid, updated_at = now()
    from unnest(submits, verdict) s(doc, v), jsonb_array_elements(s.doc->'changes') c
    where v->>'outcome' = 'admitted' and c->>'action' <> 'create' and x.id = (c->>'resourceId')::uuid;

  insert into request_change (request_id, ordinal, action, resource_id, name, blueprint_name, blueprint_version, parameters, ttl, cost_before, cost_after, base_revision, overwrite, objects)
    select (s.doc->>'id')::uuid, c.ordinal - 1, c.doc->>'action',
      case when v->>'outcome' = 'admitted' or c.doc->>'action' <> 'create' then (c.doc->>'resourceId')::uuid end,
      c.doc->>'name', c.doc->>'blueprintName', c.doc->>'blueprintVersion', nullif(c.doc->'parameters', 'null'), c.doc->>'ttl',
      (c.doc->>'costBefore')::bigint, (c.doc->>'costAfter')::bigint, (c.doc->>'baseRevision')::int, (c.doc->>'overwrite')::boolean, c.doc->'objects'
    from unnest(submits, verdict) s(doc, v), jsonb_array_elements(s.doc->'changes') with ordinality c(doc, ordinal)
    where v->>'outcome' in ('admitted', 'denied');

  insert into object_claim (environment, api_group, kind, namespace, name, resource_id, request_id)
    select s.doc->>'environment', o->>'group', o->>'kind', o->>'namespace', o->>'name', (c->>'resourceId')::uuid, (s.doc->>'id')::uuid
    from unnest(submits, verdict) s(doc, v), jsonb_array_elements(s.doc->'changes') c, jsonb_array_elements(c->'objects') o
    where v->>'outcome' = 'admitted'
      and (select k.resource_id from object_claim k where k.environment = s.doc->>'environment' and k.api_group = o->>'group' and k.kind = o->>'kind'
        and k.namespace = o->>'namespace' and k.name = o->>'name') is null;

  insert into plan_file (request_id, ordinal, change, path, operation, digest, content, previous)
    select (s.doc->>'id')::uuid, f.ordinal - 1, (f.doc->>'change')::int, f.doc->>'path', f.doc->>'operation', f.doc->>'digest', f.doc->>'content',
      (select w.content from resource_file w where w.resource_id = (s.doc->'changes'->(f.doc->>'change')::int->>'resourceId')::uuid and w.path = f.doc->>'path')
    from unnest(submits, verdict) s(doc, v), jsonb_array_elements(s.doc->'files') with ordinality f(doc, ordinal)
    where v->>'outcome' in ('admitted', 'denied');

  insert into approval_requirement (request_id, ordinal, source, policy, rule, team, role, required)
    select (s.doc->>'id')::uuid, a.ordinal - 1, a.doc->>'source', a.doc->>'policy', a.doc->>'rule', a.doc->>'team', a.doc->>'role', (a.doc->>'required')::int
    from unnest(submits, verdict) s(doc, v), jsonb_array_elements(s.doc->'approvals') with ordinality a(doc, ordinal)
    where v->>'outcome' = 'admitted';

  insert into request_budget (request_id, budget_id, delta)
    select (submits[d.ord]->>'id')::uuid, d.budget, d.delta from unnest(d_ord, d_budget, d_delta) d(ord, budget, delta);
  insert into budget_entry (budget_id, request_id, kind, amount)
    select d.budget, (submits[d.ord]->>'id')::uuid, 'reserve', d.delta from unnest(d_ord, d_budget, d_delta) d(ord, budget, delta) where d.delta > 0;
  update budget b set reserved = t.reserved
    from unnest(b_id, b_reserved) t(id, reserved)
    where b.id = t.id and b.reserved <> t.reserved;
  for i in 1..cardinality(b_id) loop
    if b_reserved[i] > b_before[i] and (b_all[i]).alert_at <> '{}' then
      perform alert_budget(b_all[i], b_committed[i] + b_before[i], (b_all[i]).limit_amount, b_committed[i] + b_reserved[i]);
    end if;
  end loop;

  insert into branch (id, repository, branch)
    select new_uuid(), t.repository, t.branch from (
      select distinct s.doc->>'repository' as repository, s.doc->>'branch' as branch from unnest(submits, verdict) s(doc, v) where v->>'outcome' = 'admitted') t
    where not exists (select from branch x where x.repository = t.repository and x.branch = t.branch)
    order by t.repository, t.branch
    on conflict do nothing;
  insert into delivery (request_id, branch_id)
    select (s.doc->>'id')::uuid, x.id from unnest(submits, verdict) with ordinality s(doc, v, ord)
      join branch x on x.repository = s.doc->>'repository' and x.branch = s.doc->>'branch'
    where v->>'outcome' = 'admitted' and s.doc->>'outcome' = 'allowed'
    order by s.ord;

  insert into event (id, type, actor, team, subject, data)
    select new_uuid(), case when v->>'outcome' = 'admitted' then 'dev.purser.request.submitted.v1' else 'dev.purser.request.denied.v1' end,
      s.doc->'actor', s.doc->>'team', s.doc->>'subject',
      jsonb_build_object('environment', s.doc->>'environment', 'planDigest', s.doc->>'planDigest', 'outcome', s.doc->>'outcome')
        || case when v->>'outcome' = 'denied' then jsonb_build_object('code', coalesce(s.doc->'problem'->>'code', 'budget-exceeded')) else '{}' end
    from unnest(submits, verdict) with ordinality s(doc, v, ord)
    where v->>'outcome' in ('admitted', 'denied')
    order by s.ord;

  return query
    select s.ord::integer, s.v || case when s.v->>'outcome' in ('admitted', 'denied') then
        jsonb_build_object('at', now(), 'delivery', (select d.branch_id from delivery d where d.request_id = (s.doc->>'id')::uuid)) else '{}' end
    from unnest(submits, verdict) with ordinality s(doc, v, ord);
end $$;
