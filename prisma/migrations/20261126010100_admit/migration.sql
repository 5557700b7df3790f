-- Admission as it was, and two things more: whoever made a service account has a part in what it asks, and the event says which
-- credential was shown (a member of the actor that goes into the event's data).

-- The statement behind a submit. `submits` is an array, so that submits which arrive together leave together: each gets its
-- own answer, and a refused one does not disturb its neighbours.
--
-- Locks, always in this order: platform (shared) → keys of names, objects and idempotency (by hash) → resources (by id)
-- → budgets (by id). Each step reads after its lock, as a statement of its own: under READ COMMITTED a statement that
-- waits still sees what was there before it waited, but for the very rows that it locks.
--
-- A submit: {id, platformRevision, principal, via, parties[], scope, key, fingerprint, team, environment, reason, outcome,
-- planDigest, policyDigest, costDelta, repository, branch, body (text), problem, actor, subject, keys[], approvals[], changes[], files[]}.
-- An answer: {outcome: admitted | denied | stale | again | replay | key-reused | resource-exists | resource-busy |
-- object-exists, …}. `again`: a neighbour in this array holds the same key; ask once more, alone.
create or replace function admit(submits jsonb) returns table (ordinal integer, answer jsonb)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  current_revision bigint;
  current_generation integer;
  changes_what_lives boolean := jsonb_path_exists(submits, '$[*].changes[*] ? (@.action != "create")');
  holds_key_too bigint[];
  verdict jsonb[];
  branches uuid[];
  -- Which budgets cover which submit, at which place among those locked, and what it asks of them.
  v_ord bigint[];
  v_place bigint[];
  v_delta bigint[];
  -- What they show of themselves to it: the counters with its own reservation, and whether it did not fit.
  v_committed bigint[] := '{}';
  v_reserved bigint[] := '{}';
  v_short boolean[] := '{}';
  -- The locked budgets by place, and their usage as the loop moves it.
  b_id uuid[];
  b_face jsonb[];
  b_limit bigint[];
  b_committed bigint[];
  b_before bigint[];
  b_reserved bigint[];
  b_alerts boolean[];
  fits boolean;
  upto integer;
  at integer := 1;
  r record;
begin
  perform pg_advisory_xact_lock_shared(7073, 1);
  select p.revision, p.generation into current_revision, current_generation from platform p;

  -- One holder a key within the array, the first wins. Between processes, waiting here turns what would be unique violations
  -- into plain reads below.
  select array_agg(distinct t.ord) filter (where t.too) into holds_key_too from (
    select k.ord, k.too, pg_advisory_xact_lock(k.hash) from (
      select s.ord, min(s.ord) over (partition by k) < s.ord as too, hashtextextended(k, 7073) as hash
      from jsonb_array_elements(submits) with ordinality s(doc, ord), jsonb_array_elements_text(s.doc->'keys') k order by hash offset 0) k) t;

  if changes_what_lives then
    perform from resource x where x.id in (
      select (c->>'resourceId')::uuid from jsonb_array_elements(submits) s(doc), jsonb_array_elements(s.doc->'changes') c where c->>'action' <> 'create')
    order by x.id for no key update;
  end if;

  select array_agg(t.verdict order by t.ord), array_agg(t.branch order by t.ord) into verdict, branches from (
    select s.ord, case
        when s.ord = any (holds_key_too) then '{"outcome": "again"}'
        when q.fingerprint = s.doc->>'fingerprint' then jsonb_build_object('outcome', 'replay', 'request', q.id)
        when q.id is not null then '{"outcome": "key-reused"}'
        when (s.doc->>'platformRevision')::bigint <> current_revision then '{"outcome": "stale"}'
        else f.verdict
      end as verdict,
      (select x.id from branch x where x.repository = s.doc->>'repository' and x.branch = s.doc->>'branch') as branch
    from jsonb_array_elements(submits) with ordinality s(doc, ord)
      left join lateral (
        select q.id, q.fingerprint from request q where q.idempotency_scope = s.doc->>'scope' and q.idempotency_key = s.doc->>'key' limit 1) q on true
      left join plan_conflicts(submits) f on f.ord = s.ord) t;
  for i in 1..coalesce(cardinality(branches), 0) loop
    if branches[i] is null and verdict[i] is null then branches[i] := ensure_branch(submits->(i - 1)->>'repository', submits->(i - 1)->>'branch'); end if;
  end loop;

  -- L1. Which budgets is fixed by the platform lock; what they hold, once every earlier holder has gone.
  select coalesce(array_agg(t.ord order by t.ord, t.place), '{}'), array_agg(t.place order by t.ord, t.place), array_agg(t.delta order by t.ord, t.place),
      array_agg(distinct t.budget_id order by t.budget_id)
    into v_ord, v_place, v_delta, b_id
    from (
      select s.ord, v.budget_id, v.delta, dense_rank() over (order by v.budget_id) as place
      from jsonb_array_elements(submits) with ordinality s(doc, ord) cross join lateral covering_budgets(s.doc->>'team', s.doc->>'environment', s.doc->'changes') v
      where verdict[s.ord] is null) t;
  select array_agg(b.face), array_agg(b.limit_amount), array_agg(b.committed), array_agg(b.reserved), array_agg(b.alert_at <> '{}')
    into b_face, b_limit, b_committed, b_reserved, b_alerts
    from (
      select b.limit_amount, b.committed, b.reserved, b.alert_at,
        jsonb_build_object('name', b.name, 'team', b.team, 'measure', b.measure, 'limit', b.limit_amount) as face
      from budget b where b.id = any (b_id) order by b.id for no key update) b;
  b_before := b_reserved;

  for o in 1..coalesce(cardinality(verdict), 0) loop
    continue when verdict[o] is not null;
    fits := true;
    upto := at;
    while v_ord[upto] = o loop
      v_short[upto] := v_delta[upto] > 0 and b_committed[v_place[upto]] + b_reserved[v_place[upto]] + v_delta[upto] > b_limit[v_place[upto]];
      fits := fits and not v_short[upto];
      upto := upto + 1;
    end loop;
    fits := fits and submits->(o - 1)->>'outcome' <> 'denied';
    while at < upto loop
      if fits then b_reserved[v_place[at]] := b_reserved[v_place[at]] + greatest(v_delta[at], 0); end if;
      v_committed[at] := b_committed[v_place[at]];
      v_reserved[at] := b_reserved[v_place[at]];
      at := at + 1;
    end loop;
    verdict[o] := case when fits then '{"outcome": "admitted"}' else '{"outcome": "denied"}' end;
  end loop;

  for i in 1..coalesce(cardinality(b_id), 0) loop
    if b_reserved[i] > b_before[i] and b_alerts[i] then
      perform alert_budget(b, b_committed[i] + b_before[i], b_limit[i], b_committed[i] + b_reserved[i]) from budget b where b.id = b_id[i];
    end if;
  end loop;

  if changes_what_lives then
    update resource x set open_request_id = (s.doc->>'id')::uuid, updated_at = now()
      from jsonb_array_elements(submits) with ordinality s(doc, ord), jsonb_array_elements(s.doc->'changes') c
      where verdict[s.ord]->>'outcome' = 'admitted' and c->>'action' <> 'create' and x.id = (c->>'resourceId')::uuid;
  end if;

  return query with
    shown as materialized (
      select v.ord, jsonb_agg(v.face order by v.place) as budgets, coalesce(jsonb_agg(v.face order by v.place) filter (where v.short), '[]') as short
      from (
        select t.ord, t.place, t.short, f.face || jsonb_build_object('committed', t.committed, 'reserved', t.reserved, 'requested', t.delta) as face
        from unnest(v_ord, v_place, v_delta, v_committed, v_reserved, v_short) t(ord, place, delta, committed, reserved, short)
          join unnest(b_face) with ordinality f(face, place) on f.place = t.place) v
      group by v.ord),
    s as materialized (
      select t.ord, t.doc, (t.doc->>'id')::uuid as id, t.doc->>'team' as team, t.doc->>'environment' as environment, (t.doc->>'principal')::uuid as principal,
        (t.doc->>'via')::uuid as via, t.doc->>'outcome' as outcome, t.doc->>'planDigest' as plan_digest, verdict[t.ord]->>'outcome' = 'admitted' as admitted,
        coalesce(w.budgets, '[]') as budgets, coalesce(w.short, '[]') as short
      from jsonb_array_elements(submits) with ordinality t(doc, ord) left join shown w on w.ord = t.ord
      where verdict[t.ord]->>'outcome' in ('admitted', 'denied')),
    c as materialized (
      select s.id, s.team, s.environment, s.admitted, c.ordinal - 1 as ordinal, c.doc, c.doc->>'action' as action, (c.doc->>'resourceId')::uuid as resource_id,
        c.doc->>'name' as name, c.doc->>'blueprintName' as blueprint_name, c.doc->>'blueprintVersion' as blueprint_version,
        nullif(c.doc->'parameters', 'null') as parameters, c.doc->>'ttl' as ttl, (c.doc->>'costAfter')::bigint as cost_after, c.doc->'objects' as objects
      from s, jsonb_array_elements(s.doc->'changes') with ordinality c(doc, ordinal)),
    requests as (
      insert into request (id, state, team, environment, reason, requester_id, via_id, plan_digest, policy_digest, outcome, cost_delta,
          body, budgets, problem, idempotency_scope, idempotency_key, fingerprint, created_at, updated_at)
        select s.id, case when not s.admitted then 'denied' when s.outcome = 'allowed' then 'queued' else 'pending_approval' end,
          s.team, s.environment, s.doc->>'reason', s.principal, s.via, s.plan_digest, s.doc->>'policyDigest', s.outcome, (s.doc->>'costDelta')::bigint,
          (s.doc->>'body')::json, s.budgets,
          case when not s.admitted then coalesce(nullif(s.doc->'problem', 'null'), '{"code": "budget-exceeded"}') || jsonb_build_object('budgets', s.short) end,
          s.doc->>'scope', s.doc->>'key', s.doc->>'fingerprint', now(), now()
        from s order by s.ord),
    -- Who asks had a part, whoever asked for them, and whoever made the account of either, whatever the caller lists.
    parties as (
      insert into request_party (request_id, principal_id)
        select s.id, p::uuid from s, jsonb_array_elements_text(s.doc->'parties') p
        union select s.id, s.principal from s union select s.id, s.via from s where s.via is not null
        union select s.id, a.created_by from s join service_account a on a.principal_id = any (array[s.principal, s.via])),
    resources as (
      insert into resource (id, team, environment, name, blueprint_name, blueprint_version, parameters, cost, ttl, status, open_request_id, last_request_id, created_at, updated_at)
        select c.resource_id, c.team, c.environment, c.name, c.blueprint_name, c.blueprint_version, c.parameters, c.cost_after, c.ttl, 'provisioning', c.id, c.id, now(), now()
        from c where c.admitted and c.action = 'create'),
    changes as (
      insert into request_change (request_id, ordinal, action, resource_id, name, blueprint_name, blueprint_version, parameters, ttl, cost_before, cost_after, base_revision, overwrite, objects)
        select c.id, c.ordinal, c.action, case when c.admitted or c.action <> 'create' then c.resource_id end, c.name, c.blueprint_name, c.blueprint_version,
          c.parameters, c.ttl, (c.doc->>'costBefore')::bigint, c.cost_after, (c.doc->>'baseRevision')::int, (c.doc->>'overwrite')::boolean, c.objects
        from c),
    claims as (
      insert into object_claim (environment, api_group, kind, namespace, name, resource_id, request_id)
        select c.environment, o->>'group', o->>'kind', o->>'namespace', o->>'name', c.resource_id, c.id
        from c, jsonb_array_elements(c.objects) o
        where c.admitted and (c.action = 'create' or (select k.resource_id from object_claim k where k.environment = c.environment and k.api_group = o->>'group'
          and k.kind = o->>'kind' and k.namespace = o->>'namespace' and k.name = o->>'name') is null)),
    files as (
      insert into plan_file (request_id, ordinal, change, path, operation, digest, content, previous)
        select s.id, f.ordinal - 1, (f.doc->>'change')::int, f.doc->>'path', f.doc->>'operation', f.doc->>'digest', f.doc->>'content',
          case when changes_what_lives then (
            select w.content from resource_file w where w.resource_id = (s.doc->'changes'->(f.doc->>'change')::int->>'resourceId')::uuid and w.path = f.doc->>'path') end
        from s, jsonb_array_elements(s.doc->'files') with ordinality f(doc, ordinal)),
    requirements as (
      insert into approval_requirement (request_id, ordinal, source, policy, rule, team, role, required)
        select s.id, a.ordinal - 1, a.doc->>'source', a.doc->>'policy', a.doc->>'rule', a.doc->>'team', a.doc->>'role', (a.doc->>'required')::int
        from s, jsonb_array_elements(s.doc->'approvals') with ordinality a(doc, ordinal)
        where s.admitted),
    entries as (
      insert into budget_entry (budget_id, request_id, kind, amount, delta)
        select b_id[v.place], s.id, 'reserve', greatest(v.delta, 0), v.delta
        from unnest(v_ord, v_place, v_delta) v(ord, place, delta) join s on s.ord = v.ord
        where s.admitted),
    counters as (
      update budget b set reserved = t.reserved from unnest(b_id, b_before, b_reserved) t(id, before, reserved) where b.id = t.id and t.reserved <> t.before),
    deliveries as (
      insert into delivery (request_id, branch_id) select s.id, branches[s.ord] from s where s.admitted and s.outcome = 'allowed' order by s.ord),
    events as (
      insert into event (id, generation, type, actor, team, subject, data)
        select new_uuid(), current_generation, case when s.admitted then 'dev.purser.request.submitted.v1' else 'dev.purser.request.denied.v1' end, (s.doc->'actor') - 'credential', s.team, s.doc->>'subject',
          jsonb_build_object('environment', s.environment, 'planDigest', s.plan_digest, 'outcome', s.outcome)
            || case when s.admitted then '{}' else jsonb_build_object('code', coalesce(s.doc->'problem'->>'code', 'budget-exceeded')) end
            || case when s.doc->'actor' ? 'credential' then jsonb_build_object('credential', s.doc->'actor'->'credential') else '{}' end
        from s order by s.ord)
    select t.ord::integer, t.verdict || case when s.ord is null then '{}' else jsonb_build_object('at', now(), 'budgets', s.budgets,
        'short', s.short, 'delivery', case when s.admitted and s.outcome = 'allowed' then branches[s.ord] end) end
    from unnest(verdict) with ordinality t(verdict, ord) left join s on s.ord = t.ord;
end $$;
