-- Delivery once more, for speed: the same functions with the same answers. What is given as JSON is read once, and what was
-- joined to itself is looked up by key: a claim of thousands took the square of their number.

-- As it was, but by a row of look-ups where it aggregated a set: events have several of these each.
do $do$
begin
  execute format($f$
    create or replace function type_id(prefix text, id uuid) returns text language sql immutable as $$
      select prefix || '_' || %s
      from (select ('00' || ('x' || replace(id::text, '-', ''))::bit(128)::text)::bit(130) as bits offset 0) b
    $$ $f$,
    (select string_agg(format('substr(%L, 1 + substring(b.bits from %s for 5)::int, 1)', '0123456789abcdefghjkmnpqrstvwxyz', 1 + 5 * i), ' || ' order by i) from generate_series(0, 25) i));
end $do$;

create or replace function claim_deliveries(branch uuid, at_most integer, max_bytes bigint, put_last uuid[] default '{}') returns table (request_id uuid, number bigint)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  wanted uuid[];
  held uuid[];
begin
  select array_agg(o.request_id) into wanted from (
    select f.request_id, row_number() over w as position, sum(f.bytes) over w as bytes
    from (
      select d.request_id, d.number, d.claimed_at is not null as claimed, d.request_id = any (put_last) as last,
        coalesce((select sum(octet_length(p.content)) from plan_file p where p.request_id = d.request_id), 0) as bytes
      from delivery d where d.branch_id = branch and d.finished_at is null
      order by last, claimed desc, d.number limit at_most) f
    window w as (order by f.last, f.claimed desc, f.number)) o
  where o.position = 1 or o.bytes <= max_bytes;
  -- A request that is being cancelled right now is skipped and will be gone.
  held := array(select q.id from request q where q.id = any (wanted) and q.state = 'queued' for update skip locked);
  update delivery d set claimed_at = now(), commit_date = date_trunc('second', now())
    where d.request_id = any (held) and d.claimed_at is null and d.finished_at is null;
  return query
    select d.request_id, d.number from delivery d
    where d.request_id = any (held) and d.claimed_at is not null and d.finished_at is null order by d.number;
end $$;

create or replace function settle_commits(branch uuid, epoch bigint, head text, commits jsonb) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  requests uuid[];
  shas text[];
  ids uuid[];
begin
  perform lock_platform(false);
  update branch b set head = $3, epoch = b.epoch + 1, state = 'ok', since = case when b.state = 'ok' then b.since else now() end, detail = null
    where b.id = $1 and b.epoch = $2;
  if not found then return false; end if;

  select array_agg((c->>'request')::uuid), array_agg(c->>'sha') into requests, shas from jsonb_array_elements(commits) c;
  perform from request q where q.id = any (requests) order by q.id for update;
  if exists (
    select from unnest(requests, shas) c(request, sha) where not exists (
      select from delivery d join delivery_attempt a on a.request_id = d.request_id
      where d.request_id = c.request and d.branch_id = $1 and d.claimed_at is not null and a.sha = c.sha))
  then
    raise exception 'a commit that nobody made' using errcode = 'PU005', detail = jsonb_build_object('branch', $1)::text;
  end if;
  ids := array(select q.id from request q where q.id = any (requests) and q.state = 'queued');

  update request q set state = 'committed', commit_sha = c.sha, committed_at = now(), updated_at = now()
    from unnest(requests, shas) c(request, sha) where q.id = c.request and q.id = any (ids);
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

  -- The commits in their order, then what they changed.
  insert into event (id, type, actor, team, subject, data)
    with q as materialized (
      select q.id, q.team, q.environment, type_id('req', q.id) as name, d.number, q.commit_sha, b.repository, b.branch
      from request q join delivery d on d.request_id = q.id join branch b on b.id = d.branch_id where q.id = any (ids))
    select new_uuid(), e.type, '{"subject": "purser", "kind": "system", "via": null}', e.team, e.subject, e.data
    from (
      select 'dev.purser.request.committed.v1' as type, q.team, q.name as subject,
        jsonb_build_object('repository', q.repository, 'branch', q.branch, 'commit', q.commit_sha) as data, 0 as part, q.number, 0 as ordinal
      from q
      union all
      select case c.action when 'delete' then 'dev.purser.resource.deleted.v1' else 'dev.purser.resource.changed.v1' end, q.team, type_id('res', c.resource_id),
        jsonb_build_object('name', c.name, 'environment', q.environment, 'request', q.name, 'action', c.action), 1, q.number, c.ordinal
      from q join request_change c on c.request_id = q.id) e
    order by e.part, e.number, e.ordinal;
  perform announce_request(i) from unnest(ids) i;
  return true;
end $$;
