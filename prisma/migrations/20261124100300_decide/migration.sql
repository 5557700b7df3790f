-- Votes and cancellations: what moves a request that is still open. Each takes the request's row lock first.
-- Answers are rows that say why: {outcome: done | same | stale | wrong-state | own-request | plan-changed, …}.

-- Takes a request that will not become a commit out of everything that it held: money, names, objects.
create function free_request(request uuid) returns void language plpgsql as $$
begin
  perform from resource x where x.open_request_id = request order by x.id for no key update;
  delete from object_claim k using request_change c where c.request_id = request and k.resource_id = c.resource_id and k.request_id = request;
  delete from resource x where x.open_request_id = request and x.revision = 0;
  update resource x set open_request_id = null, updated_at = now() where x.open_request_id = request;

  perform from budget b join request_budget v on v.budget_id = b.id where v.request_id = request and v.delta > 0 order by b.id for no key update of b;
  insert into budget_entry (budget_id, request_id, kind, amount)
    select v.budget_id, request, 'release', -v.delta from request_budget v where v.request_id = request and v.delta > 0;
  update budget b set reserved = b.reserved - v.delta from request_budget v where v.request_id = request and v.delta > 0 and b.id = v.budget_id;
end $$;

-- Listeners (a caller that waits) learn of a request that moved.
create function announce_request(request uuid) returns void language sql as $$
  select pg_notify('purser_request', request::text)
$$;

-- {request, principal, actor, vote, comment, planDigest, platformRevision, seen, satisfies: {principal: [ordinal…]}}.
-- `satisfies` is judged by the caller for this voter and every earlier one, on the platform of that revision and the
-- `seen` votes that it had read; when either moved, the answer is `stale` and nothing happened.
create function vote(p jsonb) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare
  q request;
  current_revision bigint := lock_platform(false);
  voter uuid := (p->>'principal')::uuid;
  again boolean;
begin
  select * into q from request where id = (p->>'request')::uuid for update;
  if exists (select from request_party x where x.request_id = q.id and x.principal_id = voter) then return '{"outcome": "own-request"}'; end if;
  if q.plan_digest <> p->>'planDigest' then return jsonb_build_object('outcome', 'plan-changed', 'planDigest', q.plan_digest); end if;
  again := exists (select from approval a where a.request_id = q.id and a.principal_id = voter and a.vote = p->>'vote');
  if again and q.state <> 'pending_approval' then return '{"outcome": "same"}'; end if;
  if q.state <> 'pending_approval' then return jsonb_build_object('outcome', 'wrong-state', 'state', q.state); end if;
  if current_revision <> (p->>'platformRevision')::bigint
     or (p->>'seen')::int <> (select count(*) from approval a where a.request_id = q.id) then return '{"outcome": "stale"}'; end if;

  -- The same vote again changes nothing but what it counts for: its voter may have got a role back, or another one.
  if not again then
    insert into approval (request_id, principal_id, vote, comment, plan_digest, satisfies)
      values (q.id, voter, p->>'vote', p->>'comment', p->>'planDigest', array(select jsonb_array_elements_text(p->'satisfies'->voter::text)::int));
  end if;
  update approval a set satisfies = array(select jsonb_array_elements_text(s.value)::int)
    from jsonb_each(p->'satisfies') s where a.request_id = q.id and a.vote = 'approve' and a.principal_id = s.key::uuid;

  if p->>'vote' = 'reject' then
    perform free_request(q.id);
    update request set state = 'rejected', updated_at = now() where id = q.id;
  elsif request_released(q.id) then
    update request set state = 'queued', updated_at = now() where id = q.id;
    insert into delivery (request_id, branch_id)
      select q.id, b.id from branch b where b.repository = q.body->'plan'->>'repository' and b.branch = q.body->'plan'->>'branch';
  elsif again then
    return '{"outcome": "same"}';
  else
    update request set updated_at = now() where id = q.id;
  end if;
  perform record_event(case when p->>'vote' = 'approve' then 'request.approved' else 'request.rejected' end, p->'actor', q.team, type_id('req', q.id),
    jsonb_build_object('planDigest', q.plan_digest, 'comment', p->>'comment'));
  perform announce_request(q.id);
  return jsonb_build_object('outcome', 'done', 'delivery', (select branch_id from delivery where request_id = q.id));
end $$;

-- Possible until delivery has claimed the request: from then on its commit may be on the way.
create function cancel_request(request uuid, actor jsonb) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare
  q request;
begin
  perform lock_platform(false);
  select * into q from request x where x.id = $1 for update;
  if q.state not in ('pending_approval', 'queued') then return jsonb_build_object('outcome', 'wrong-state', 'state', q.state, 'claimed', false); end if;
  if exists (select from delivery d where d.request_id = q.id and d.claimed_at is not null) then
    return jsonb_build_object('outcome', 'wrong-state', 'state', q.state, 'claimed', true);
  end if;
  perform free_request(q.id);
  update delivery set finished_at = now() where request_id = q.id;
  update request set state = 'cancelled', updated_at = now() where id = q.id;
  perform record_event('request.cancelled', actor, q.team, type_id('req', q.id), '{}');
  perform announce_request(q.id);
  return '{"outcome": "done"}';
end $$;
