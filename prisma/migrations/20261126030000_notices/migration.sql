-- Notices to the hooks of teams. They follow the log and are no part of what they tell of: a submit costs nothing more, and
-- nothing that is in the log goes without its notice, however late somebody reads it.

-- Up to where the log was read for notices. What was before this migration is nobody's news.
create table notice_cursor (
  id boolean primary key default true constraint notice_cursor_is_one check (id),
  generation integer not null,
  tx xid8 not null,
  seq bigint not null
);
insert into notice_cursor (generation, tx, seq) select current_generation(), pg_snapshot_xmin(pg_current_snapshot()), 0;

-- One a event and team. What it says is made when it leaves, from what the request is then.
create table notice (
  -- In the order of the log.
  number bigint generated always as identity primary key,
  event_id uuid not null,
  team text not null,
  kind text not null constraint notice_kind_known check (kind in ('waiting', 'committed', 'failed', 'rejected', 'expired', 'budget')),
  subject text not null,
  data jsonb not null default '{}',
  state text not null default 'pending' constraint notice_state_known check (state in ('pending', 'sent', 'dropped', 'given-up')),
  attempts integer not null default 0,
  last_error text,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  constraint notice_once unique (event_id, team),
  constraint notice_ended_has_a_time check ((state = 'pending') = (ended_at is null))
);
create index notice_waiting on notice (team, number) where state = 'pending';
create index notice_ended on notice (ended_at) where state <> 'pending';

-- The hook of a team, as far as it was ever posted to: whose turn it is, and when it may be tried again. A team's notices leave
-- in their order, one post at a time; a hook that is slow or away holds up nobody else's.
create table notice_hook (
  team text primary key,
  -- Raised whenever somebody takes the turn: who took too long and lost it cannot end it any more.
  turn bigint not null default 0,
  failures integer not null default 0,
  next_at timestamptz not null default now()
);

-- The UUID in an id as people see it: the way back of `type_id`.
create function type_uuid(id text) returns uuid language sql immutable as $$
  select (lpad(to_hex(substr(b.bits, 3, 64)::bit(64)::bigint), 16, '0') || lpad(to_hex(substr(b.bits, 67, 64)::bit(64)::bigint), 16, '0'))::uuid
  from (select string_agg((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(split_part(id, '_', 2), i, 1)) - 1)::bit(5)::text, '' order by i) as bits
    from generate_series(1, 26) i) b
$$;

-- Reads the next events of the log and notes down whom they concern: the team itself, and of what waits for approvals every team
-- that may give one. Only teams that name a hook at this moment. One reader at a time; the others go home. True: there is more.
create function note_events(at_most integer) returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
declare
  c notice_cursor;
  era integer;
  head xid8;
  taken integer;
begin
  -- Where nothing is new, which is mostly, nothing is written. The end is of this moment or before: all below it is there.
  select current_generation(), pg_snapshot_xmin(pg_current_snapshot()) into era, head;
  select * into c from notice_cursor;
  -- In order, so that it goes by the index: of a mere `exists` the planner reads the table from its beginning.
  perform from event e where (e.generation, e.tx, e.seq) > (c.generation, c.tx, c.seq) and (e.generation, e.tx, e.seq) < (era, head, 0)
    order by e.generation, e.tx, e.seq limit 1;
  if not found then return false; end if;
  select * into c from notice_cursor for update skip locked;
  if not found then return false; end if;
  with fresh as materialized (
    select * from event e
    where (e.generation, e.tx, e.seq) > (c.generation, c.tx, c.seq) and (e.generation, e.tx, e.seq) < (era, head, 0)
    order by e.generation, e.tx, e.seq limit at_most),
  concerned as (
    select e.*, k.kind, t.team as concerns
    from fresh e
      cross join lateral (select case e.type
          when 'dev.purser.request.submitted.v1' then case when e.data->>'outcome' = 'requires_approval' then 'waiting' end
          when 'dev.purser.request.committed.v1' then 'committed'
          when 'dev.purser.request.failed.v1' then 'failed'
          when 'dev.purser.request.rejected.v1' then 'rejected'
          when 'dev.purser.request.expired.v1' then 'expired'
          when 'dev.purser.budget.alert.v1' then 'budget' end as kind) k
      cross join lateral (
        select e.team where e.team is not null
        union
        select n.team from approval_requirement n where k.kind = 'waiting' and n.request_id = type_uuid(e.subject)) t
    where k.kind is not null),
  hooks as (
    select d.name from document d join document_version v on v.kind = d.kind and v.name = d.name and v.revision = d.revision
    where d.kind = 'Team' and d.name in (select x.concerns from concerned x) and v.body->'spec'->'contact'->'webhook' is not null),
  made as (
    insert into notice (event_id, team, kind, subject, data)
      select x.id, x.concerns, x.kind, x.subject, case x.kind when 'budget' then x.data else '{}' end
      from concerned x join hooks h on h.name = x.concerns order by x.generation, x.tx, x.seq
      on conflict on constraint notice_once do nothing
      returning team),
  known as (
    insert into notice_hook (team) select distinct m.team from made m on conflict (team) do nothing),
  moved as (
    update notice_cursor k set generation = f.generation, tx = f.tx, seq = f.seq
    from (select e.generation, e.tx, e.seq from fresh e order by e.generation desc, e.tx desc, e.seq desc limit 1) f)
  select count(*) from fresh into taken;
  return taken = at_most;
end $$;

-- The turn of a team: its oldest notices, and where its hook is as its document says now (null: it names none any more). No
-- row: nothing waits, it is not time yet, or somebody else has the turn. After `lease` seconds it is anybody's again.
create function take_notices(wanted text, at_most integer, lease double precision)
returns table (turn bigint, failures integer, hook json, number bigint, kind text, subject text, data jsonb, attempts integer, age double precision)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  h notice_hook;
begin
  select * into h from notice_hook x where x.team = wanted and x.next_at <= now() for update skip locked;
  if not found or not exists (select from notice n where n.team = wanted and n.state = 'pending') then return; end if;
  update notice_hook x set turn = x.turn + 1, next_at = now() + make_interval(secs => lease) where x.team = wanted;
  return query
    select h.turn + 1, h.failures,
      (select v.body->'spec'->'contact'->'webhook' from document d join document_version v on v.kind = d.kind and v.name = d.name and v.revision = d.revision
        where d.kind = 'Team' and d.name = wanted),
      n.number, n.kind, n.subject, n.data, n.attempts, extract(epoch from now() - n.created_at)::double precision
    from notice n where n.team = wanted and n.state = 'pending' order by n.number limit at_most;
end $$;

-- What became of a turn. `ends`: [{number, state, error}], of which `pending` counts one more attempt. `failures` of the hook, and when it
-- may be tried again, in seconds. False when the turn was lost: whoever has it now says.
create function end_notices(wanted text, taken bigint, ends jsonb, failures integer, again double precision) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update notice_hook h set failures = $4, next_at = now() + make_interval(secs => again) where h.team = wanted and h.turn = taken;
  if not found then return false; end if;
  update notice n set state = e->>'state', last_error = e->>'error', attempts = n.attempts + 1, ended_at = case when e->>'state' <> 'pending' then now() end
    from jsonb_array_elements(ends) e where n.number = (e->>'number')::bigint and n.team = wanted and n.state = 'pending';
  return true;
end $$;

-- What ended long ago. A cursor that only goes on never brings it back.
create function forget_notices(older double precision, at_most integer) returns void language sql security definer set search_path = public, pg_temp as $$
  delete from notice n where n.number in (select o.number from notice o where o.state <> 'pending' and o.ended_at < now() - make_interval(secs => older) order by o.ended_at limit at_most)
$$;
