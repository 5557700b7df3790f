-- Delivery: claim before anything leaves, store what may arrive before it is pushed, settle what did. One writer a
-- branch (a session's advisory lock, held by the worker) and `branch.epoch`, taken by each writer when it begins, compared
-- and set, so that a writer which lost its lock can neither settle nor fail anything.

create function branch_work(branch uuid) returns boolean language sql stable as $$
  select exists (select from delivery d where d.branch_id = branch and d.finished_at is null)
$$;

-- A writer begins: whoever had the branch before it and does not know yet that its lock is lost has the wrong epoch now.
-- Without this, one that was stopped in mid-step could fail a request whose commit the next writer has just pushed.
create function take_branch(branch uuid) returns setof branch language sql security definer set search_path = public, pg_temp as $$
  update branch b set epoch = b.epoch + 1 where b.id = $1 returning b.*
$$;

-- Claims deliveries of a branch: first those that were claimed before and have no end yet, then the oldest; `put_last` are
-- claimed ones that the branch refused just now, so that they do not keep others from being tried. Bounded by number and by
-- bytes of content, so that a batch fits in memory.
create function claim_deliveries(branch uuid, at_most integer, max_bytes bigint, put_last uuid[] default '{}') returns table (request_id uuid, number bigint)
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  return query
    with first as (
      select d.request_id, d.number, d.claimed_at is not null as claimed, d.request_id = any (put_last) as last
      from delivery d where d.branch_id = branch and d.finished_at is null
      order by last, claimed desc, d.number limit at_most),
    open as (
      select f.*, row_number() over w as position,
        sum(coalesce((select sum(octet_length(p.content)) from plan_file p where p.request_id = f.request_id), 0)) over w as bytes
      from first f window w as (order by f.last, f.claimed desc, f.number)),
    -- A request that is being cancelled right now is skipped and will be gone.
    held as (
      select q.id from request q where q.id in (select o.request_id from open o where o.position = 1 or o.bytes <= max_bytes) and q.state = 'queued'
      for update skip locked),
    claimed as (
      update delivery d set claimed_at = now(), commit_date = date_trunc('second', now())
      from held where d.request_id = held.id and d.claimed_at is null and d.finished_at is null
      returning d.request_id)
    select o.request_id, o.number from open o join held on held.id = o.request_id
      where o.claimed or o.request_id in (select c.request_id from claimed c)
      order by o.number;
end $$;

create function store_attempts(attempts jsonb) returns void language sql security definer set search_path = public, pg_temp as $$
  insert into delivery_attempt (request_id, sha)
    select (a->>'request')::uuid, a->>'sha' from jsonb_array_elements(attempts) a on conflict do nothing
$$;

-- What was pushed is committed: states, money, resources and the branch's head in one transaction.
-- commits: [{request, sha}], each a stored attempt; those that were settled before are passed over. False when another
-- writer has moved the epoch. A commit that was never stored is a bug that must not move the head: a later round would not
-- look behind it, and make the commit once more.
create function settle_commits(branch uuid, epoch bigint, head text, commits jsonb) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  ids uuid[];
begin
  perform lock_platform(false);
  update branch b set head = $3, epoch = b.epoch + 1, state = 'ok', since = case when b.state = 'ok' then b.since else now() end, detail = null
    where b.id = $1 and b.epoch = $2;
  if not found then return false; end if;

  perform from request q where q.id in (select (c->>'request')::uuid from jsonb_array_elements(commits) c) order by q.id for update;
  if exists (
    select from jsonb_array_elements(commits) c where not exists (
      select from delivery d join delivery_attempt a on a.request_id = d.request_id
      where d.request_id = (c->>'request')::uuid and d.branch_id = $1 and d.claimed_at is not null and a.sha = c->>'sha'))
  then
    raise exception 'a commit that nobody made' using errcode = 'PU005', detail = jsonb_build_object('branch', $1)::text;
  end if;
  select coalesce(array_agg(q.id), '{}') into ids from request q
    join jsonb_array_elements(commits) c on q.id = (c->>'request')::uuid
    where q.state = 'queued';

  update request q set state = 'committed', commit_sha = c->>'sha', committed_at = now(), updated_at = now()
    from jsonb_array_elements(commits) c where q.id = (c->>'request')::uuid and q.id = any (ids);
  update delivery d set finished_at = now() where d.request_id = any (ids);

  perform from resource x where x.open_request_id = any (ids) order by x.id for no key update;
  delete from resource_file f using plan_file p
    join request_change c on c.request_id = p.request_id and c.ordinal = p.change
    where p.request_id = any (ids) and p.operation = 'delete' and f.resource_id = c.resource_id and f.path = p.path;
  insert into resource_file (resource_id, path, digest, content)
    select c.resource_id, p.path, p.digest, p.content from plan_file p
      join request_change c on c.request_id = p.request_id and c.ordinal = p.change
      where p.request_id = any (ids) and p.operation <> 'delete'
    on conflict (resource_id, path) do update set digest = excluded.digest, content = excluded.content;
  delete from object_claim k using request_change c
    where c.request_id = any (ids) and k.resource_id = c.resource_id
      and not c.objects @> jsonb_build_array(jsonb_build_object('group', k.api_group, 'kind', k.kind, 'namespace', k.namespace, 'name', k.name));
  -- By resource too: claims have no index on the request, and every object that lives is one.
  update object_claim k set request_id = null from request_change c
    where c.request_id = any (ids) and k.resource_id = c.resource_id and k.request_id = c.request_id;
  update resource x set revision = x.revision + 1, open_request_id = null, last_request_id = c.request_id, updated_at = now(), cost = c.cost_after,
      blueprint_version = c.blueprint_version, parameters = coalesce(c.parameters, x.parameters),
      status = case c.action when 'delete' then 'deleted' else 'unknown' end
    from request_change c where c.request_id = any (ids) and x.id = c.resource_id;

  perform from budget b where b.id in (select v.budget_id from request_budget v where v.request_id = any (ids)) order by b.id for no key update;
  insert into budget_entry (budget_id, request_id, kind, amount)
    select v.budget_id, v.request_id, 'capture', v.delta from request_budget v where v.request_id = any (ids) and v.delta <> 0;
  update budget b set committed = b.committed + t.delta, reserved = b.reserved - t.held
    from (select v.budget_id, sum(v.delta) as delta, sum(greatest(v.delta, 0)) as held from request_budget v where v.request_id = any (ids) group by 1) t
    where b.id = t.budget_id and (t.delta <> 0 or t.held <> 0);

  insert into event (id, type, actor, team, subject, data)
    select new_uuid(), 'dev.purser.request.committed.v1', '{"subject": "purser", "kind": "system", "via": null}', q.team, type_id('req', q.id),
      jsonb_build_object('repository', b.repository, 'branch', b.branch, 'commit', q.commit_sha)
    from request q join delivery d on d.request_id = q.id join branch b on b.id = d.branch_id where q.id = any (ids) order by d.number;
  insert into event (id, type, actor, team, subject, data)
    select new_uuid(), case c.action when 'delete' then 'dev.purser.resource.deleted.v1' else 'dev.purser.resource.changed.v1' end,
      '{"subject": "purser", "kind": "system", "via": null}', q.team, type_id('res', c.resource_id), jsonb_build_object('name', c.name, 'environment', q.environment, 'request', type_id('req', q.id), 'action', c.action)
    from request q join request_change c on c.request_id = q.id where q.id = any (ids) order by q.id, c.ordinal;
  perform announce_request(i) from unnest(ids) i;
  return true;
end $$;

-- A claimed request that cannot become a commit: its money and names are free again. The caller has proven by a fetch
-- that none of its attempts is on the branch. False when another writer has moved the epoch, or it was settled.
create function fail_delivery(branch uuid, epoch bigint, request uuid, problem jsonb) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  q request;
begin
  perform lock_platform(false);
  perform from branch b where b.id = $1 and b.epoch = $2 for no key update;
  if not found then return false; end if;
  select * into q from request x where x.id = $3 for update;
  if q.state <> 'queued' or not exists (select from delivery d where d.request_id = q.id and d.branch_id = $1 and d.claimed_at is not null) then return false; end if;
  perform free_request(q.id);
  update delivery set finished_at = now() where request_id = q.id;
  update request x set state = 'failed', problem = $4, updated_at = now() where x.id = q.id;
  perform record_event('request.failed', '{"subject": "purser", "kind": "system", "via": null}', q.team, type_id('req', q.id), jsonb_build_object('code', $4->>'code'));
  perform announce_request(q.id);
  return true;
end $$;

-- What a branch can do now, in the words of the writer who has taken it. False when another has taken it since.
create function set_branch_state(branch uuid, epoch bigint, state text, detail text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update branch b set state = $3, detail = $4, since = case when b.state = $3 then b.since else now() end where b.id = $1 and b.epoch = $2;
  return found;
end $$;

-- An administrator says that what is on a branch now is the truth to go on from, after its history was rewritten. A writer at
-- work loses the branch. False when the branch is not held for that (any more).
create function accept_head(branch uuid, head text, actor jsonb) returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
declare
  before branch;
begin
  select * into before from branch b where b.id = $1 for no key update;
  if before.state <> 'history-rewritten' then return false; end if;
  update branch b set head = $2, epoch = b.epoch + 1, state = 'ok', detail = null, since = now() where b.id = $1;
  perform record_event('branch.accepted', $3, null, before.repository || ' ' || before.branch, jsonb_build_object('head', $2, 'before', before.head));
  return true;
end $$;

-- A branch row exists from the moment that an environment names it, so that it can be looked at.
create function ensure_branch(repository text, branch text) returns uuid language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into branch (id, repository, branch) select new_uuid(), $1, $2 where not exists (select from branch b where b.repository = $1 and b.branch = $2) on conflict do nothing;
  return (select b.id from branch b where b.repository = $1 and b.branch = $2);
end $$;
