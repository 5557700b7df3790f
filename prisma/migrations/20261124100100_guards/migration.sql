-- What holds even when the code above is wrong. Own SQLSTATEs, with JSON in DETAIL:
--   PU001 a budget would grow past its limit      PU002 a state out of order
--   PU003 an approval that does not fit           PU004 an approval by somebody who had a part
--   PU005 a delivery that nobody released         PU006 a change of what never changes

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% never changes', tg_table_name using errcode = 'PU006', detail = jsonb_build_object('table', tg_table_name)::text;
end $$;

-- L1. A limit may be lowered below usage; usage may not grow past the limit. What a budget covers never changes: one
-- that is re-scoped is retired, and another opens in its name over what lives.
create function guard_budget() returns trigger language plpgsql as $$
begin
  if (new.id, new.name, new.team, new.environment, new.measure, new.blueprints) is distinct from (old.id, old.name, old.team, old.environment, old.measure, old.blueprints) then
    raise exception 'what a budget covers never changes' using errcode = 'PU006', detail = jsonb_build_object('table', 'budget')::text;
  end if;
  if new.committed + new.reserved > old.committed + old.reserved and new.committed + new.reserved > new.limit_amount then
    raise exception 'budget would grow past its limit' using errcode = 'PU001',
      detail = jsonb_build_object('budget', new.name, 'limit', new.limit_amount, 'used', new.committed + new.reserved)::text;
  end if;
  return new;
end $$;
create trigger budget_within_limit before update on budget for each row execute function guard_budget();

-- What was asked, planned, voted, pushed and booked is evidence: rows come, and none goes or turns into another.
do $$
declare
  t text;
begin
  foreach t in array array['event', 'budget_entry', 'request_budget', 'plan_file', 'request_change', 'request_party', 'approval_requirement', 'delivery_attempt'] loop
    execute format('create trigger %1$I before update or delete on %2$I for each row execute function refuse_change()', t || '_never_changes', t);
  end loop;
  foreach t in array array['request', 'approval', 'delivery'] loop
    execute format('create trigger %1$I before delete on %2$I for each row execute function refuse_change()', t || '_never_removed', t);
  end loop;
  foreach t in array array['event', 'budget_entry', 'request_budget', 'plan_file', 'request_change', 'request_party', 'approval_requirement', 'delivery_attempt', 'request', 'approval', 'delivery'] loop
    execute format('create trigger %1$I before truncate on %2$I for each statement execute function refuse_change()', t || '_never_truncated', t);
  end loop;
end $$;

-- The order of states; equal to `transitions` in src/core/request.ts, and a test says so.
create table request_transition (
  from_state text not null,
  move text not null,
  to_state text not null,
  primary key (from_state, move)
);
insert into request_transition values
  ('pending_approval', 'release', 'queued'),
  ('pending_approval', 'reject', 'rejected'),
  ('pending_approval', 'cancel', 'cancelled'),
  ('pending_approval', 'expire', 'expired'),
  ('queued', 'cancel', 'cancelled'),
  ('queued', 'commit', 'committed'),
  ('queued', 'fail', 'failed'),
  ('committed', 'settle', 'ready');

create function guard_request() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if not (new.state, new.outcome) in (('pending_approval', 'requires_approval'), ('queued', 'allowed'), ('denied', 'denied'), ('denied', 'allowed'), ('denied', 'requires_approval')) then
      raise exception 'a request does not begin there' using errcode = 'PU002', detail = jsonb_build_object('to', new.state, 'outcome', new.outcome)::text;
    end if;
    return new;
  end if;
  if (new.id, new.team, new.environment, new.reason, new.requester_id, new.via_id, new.plan_digest, new.policy_digest, new.outcome, new.cost_delta, new.body::text, new.budgets,
        new.idempotency_scope, new.idempotency_key, new.fingerprint, new.created_at)
     is distinct from (old.id, old.team, old.environment, old.reason, old.requester_id, old.via_id, old.plan_digest, old.policy_digest, old.outcome, old.cost_delta, old.body::text, old.budgets,
        old.idempotency_scope, old.idempotency_key, old.fingerprint, old.created_at)
     or (old.commit_sha is not null and (new.commit_sha, new.committed_at) is distinct from (old.commit_sha, old.committed_at))
     or (old.problem is not null and new.problem is distinct from old.problem) then
    raise exception 'what was asked never changes' using errcode = 'PU006', detail = jsonb_build_object('table', 'request')::text;
  end if;
  if new.state <> old.state and not exists (select from request_transition t where t.from_state = old.state and t.to_state = new.state) then
    raise exception 'a state out of order' using errcode = 'PU002', detail = jsonb_build_object('from', old.state, 'to', new.state)::text;
  end if;
  if old.state = 'pending_approval' and new.state = 'queued' and not request_released(new.id) then
    raise exception 'not released' using errcode = 'PU005', detail = jsonb_build_object('request', new.id)::text;
  end if;
  if old.state = 'queued' and new.state = 'cancelled' and exists (select from delivery d where d.request_id = new.id and d.claimed_at is not null) then
    raise exception 'claimed' using errcode = 'PU005', detail = jsonb_build_object('request', new.id)::text;
  end if;
  if old.state = 'queued' and new.state = 'committed' and not exists (
      select from delivery d join delivery_attempt a on a.request_id = d.request_id where d.request_id = new.id and d.claimed_at is not null and a.sha = new.commit_sha) then
    raise exception 'a commit that nobody made' using errcode = 'PU005', detail = jsonb_build_object('request', new.id)::text;
  end if;
  return new;
end $$;

-- The gate (L2): policy allowed it, or every requirement has as many approvals of this very digest, by people who had
-- no part, as it asks for.
create function request_released(request uuid) returns boolean language sql stable as $$
  select q.outcome = 'allowed' or (q.outcome = 'requires_approval'
    and exists (select from approval_requirement n where n.request_id = q.id)
    and not exists (
      select from approval_requirement n where n.request_id = q.id and n.required > (
        select count(*) from approval a
        where a.request_id = q.id and a.vote = 'approve' and a.plan_digest = q.plan_digest and n.ordinal = any (a.satisfies)
          and not exists (select from request_party p where p.request_id = q.id and p.principal_id = a.principal_id)))
    and not exists (select from approval a where a.request_id = q.id and a.vote = 'reject'))
  from request q where q.id = request
$$;
create trigger request_in_order before insert or update on request for each row execute function guard_request();

-- L3 and L4: an approval names the digest that is there, while it is pending, and comes from somebody who had no part.
create function guard_approval() returns trigger language plpgsql as $$
declare
  q request;
begin
  if tg_op = 'UPDATE' and (new.request_id, new.principal_id, new.vote, new.comment, new.plan_digest, new.at) is distinct from (old.request_id, old.principal_id, old.vote, old.comment, old.plan_digest, old.at) then
    raise exception 'a vote never changes' using errcode = 'PU006', detail = jsonb_build_object('table', 'approval')::text;
  end if;
  select * into q from request where id = new.request_id;
  if new.principal_id in (q.requester_id, q.via_id) or exists (select from request_party p where p.request_id = new.request_id and p.principal_id = new.principal_id) then
    raise exception 'a party to the request' using errcode = 'PU004', detail = jsonb_build_object('request', new.request_id)::text;
  end if;
  if q.state <> 'pending_approval' or q.plan_digest <> new.plan_digest then
    raise exception 'an approval of something else' using errcode = 'PU003', detail = jsonb_build_object('state', q.state)::text;
  end if;
  return new;
end $$;
create trigger approval_by_somebody_else before insert or update on approval for each row execute function guard_approval();

-- L2 once more, at the last door: nothing is claimed for delivery that is not released and still wanted.
create function guard_delivery() returns trigger language plpgsql as $$
begin
  if new.claimed_at is not null and (tg_op = 'INSERT' or old.claimed_at is null)
     and not (request_released(new.request_id) and exists (select from request q where q.id = new.request_id and q.state = 'queued')) then
    raise exception 'claimed without a release' using errcode = 'PU005', detail = jsonb_build_object('request', new.request_id)::text;
  end if;
  if tg_op = 'UPDATE' and old.claimed_at is not null and (new.claimed_at, new.commit_date) is distinct from (old.claimed_at, old.commit_date) then
    raise exception 'a claim never changes' using errcode = 'PU006', detail = jsonb_build_object('table', 'delivery')::text;
  end if;
  return new;
end $$;
create trigger delivery_only_of_released before insert or update on delivery for each row execute function guard_delivery();

-- UUIDv7 (RFC 9562): 48 bits of milliseconds, then random. PostgreSQL has its own from 18 on; 14 is supported.
create function new_uuid() returns uuid language sql volatile as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;
