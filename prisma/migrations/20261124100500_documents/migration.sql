-- Documents: applied together or not at all, under the platform lock that every admission shares.

-- A budget opens with what lives (committed) and what is promised (reserved), whatever its limit: the one growth that no
-- request asked for, written with the row itself.
create function open_budget(document jsonb) returns void language plpgsql as $$
declare
  b budget;
begin
  b.id := new_uuid();
  b.name := document->>'name';
  b.team := document->>'team';
  b.environment := document->>'environment';
  b.measure := document->>'measure';
  b.blueprints := case when coalesce(document->'blueprints', 'null') <> 'null' then array(select jsonb_array_elements_text(document->'blueprints')) end;
  b.limit_amount := (document->>'limit')::bigint;
  b.alert_at := array(select jsonb_array_elements_text(document->'alertAt')::int);
  b.committed := (
    select coalesce(sum(case b.measure when 'cost' then x.cost else 1 end), 0) from resource x
    where x.revision > 0 and x.status <> 'deleted' and budget_covers(b, x.team, x.environment, x.blueprint_name));
  b.reserved := (
    select coalesce(sum(greatest(t.delta, 0)), 0) from (
      select sum(budget_delta(b.measure, c.action, c.cost_before, c.cost_after)) as delta
      from request q join request_change c on c.request_id = q.id
      where q.state in ('pending_approval', 'queued') and budget_covers(b, q.team, q.environment, c.blueprint_name)
      group by q.id) t);
  insert into budget values (b.*);

  insert into request_budget (request_id, budget_id, delta)
    select q.id, b.id, sum(budget_delta(b.measure, c.action, c.cost_before, c.cost_after))
    from request q join request_change c on c.request_id = q.id
    where q.state in ('pending_approval', 'queued') and budget_covers(b, q.team, q.environment, c.blueprint_name)
    group by q.id;
  insert into budget_entry (budget_id, kind, amount) select b.id, 'opening', b.committed where b.committed <> 0;
  insert into budget_entry (budget_id, request_id, kind, amount)
    select b.id, v.request_id, 'reserve', v.delta from request_budget v where v.budget_id = b.id and v.delta > 0;
  perform alert_budget(b, 0, b.limit_amount, b.committed + b.reserved);
end $$;

create function keep_budget(document jsonb) returns void language plpgsql as $$
declare
  b budget;
begin
  select * into b from budget x where x.name = document->>'name' and x.retired_at is null for no key update;
  if found and (b.team, b.environment, b.measure, coalesce(to_jsonb(b.blueprints), 'null')) is not distinct from
      (document->>'team', document->>'environment', document->>'measure', coalesce(document->'blueprints', 'null')) then
    update budget set limit_amount = (document->>'limit')::bigint, alert_at = array(select jsonb_array_elements_text(document->'alertAt')::int) where id = b.id;
    -- A limit that comes down crosses thresholds as usage that grows does.
    perform alert_budget(x, b.committed + b.reserved, b.limit_amount, b.committed + b.reserved) from budget x where x.id = b.id;
    return;
  end if;
  update budget set retired_at = now() where id = b.id;
  perform open_budget(document);
end $$;

-- p: {platformRevision, dryRun, actor, documents: [{kind, name, version, current, body, digest, decides, team, ifRevision,
-- budget, branch}]}. `body` is text, so that the order of its keys survives. `current`: of a blueprint, the version that its bare name stands for from now on.
-- → {outcome: done | stale | version-exists | precondition-failed | in-use, index?, platformRevision, results: [{kind, name, outcome, revision}]}
create function apply_documents(p jsonb) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare
  now_at bigint := lock_platform(true);
  d jsonb;
  i integer := 0;
  have document_version;
  users jsonb;
  latest integer;
  results jsonb := '[]';
  outcome text;
  raised boolean := false;
begin
  if now_at <> (p->>'platformRevision')::bigint then return '{"outcome": "stale"}'; end if;
  for d in select jsonb_array_elements(p->'documents') loop
    have := null;
    if d->>'kind' = 'Blueprint' then
      select * into have from document_version v where v.kind = 'Blueprint' and v.name = d->>'name' and v.version = d->>'version';
      if have.digest <> d->>'digest' then
        return jsonb_build_object('outcome', 'version-exists', 'index', i, 'name', d->>'name', 'version', d->>'version');
      end if;
    else
      select v.* into have from document x join document_version v using (kind, name, revision) where x.kind = d->>'kind' and x.name = d->>'name';
    end if;
    select max(v.revision) into latest from document_version v where v.kind = d->>'kind' and v.name = d->>'name';
    if d->>'ifRevision' is not null and not exists (
        select from document x where x.kind = d->>'kind' and x.name = d->>'name' and d->>'ifRevision' in ('any', x.revision::text)) then
      return jsonb_build_object('outcome', 'precondition-failed', 'index', i);
    end if;
    -- Files that are on a branch stay there: an environment moves only while nothing of it lives.
    if d->>'kind' = 'Environment' and have.digest is not null
       and (coalesce(have.body->'spec'->'gitops'->>'repository', 'embedded'), coalesce(have.body->'spec'->'gitops'->>'branch', 'main'),
            have.body->'spec'->'gitops'->>'path', have.body->'spec'->>'namespace')
         is distinct from (d->'branch'->>'repository', d->'branch'->>'branch', d->'branch'->>'path', d->'branch'->>'namespace') then
      select jsonb_agg(u.name) into users from (
        select r.team || '/' || r.name as name from resource r where r.environment = d->>'name' and r.status <> 'deleted' order by 1 limit 10) u;
      if users is not null then return jsonb_build_object('outcome', 'in-use', 'index', i, 'name', d->>'name', 'usedBy', users); end if;
    end if;
    if have.digest = d->>'digest' and have.retired_at is null then
      results := results || jsonb_build_object('kind', d->>'kind', 'name', d->>'name', 'outcome', 'unchanged', 'revision', have.revision);
    else
      outcome := case when exists (select from document x where x.kind = d->>'kind' and x.name = d->>'name') then 'changed' else 'created' end;
      -- A retired version of a blueprint that comes back as it was keeps its revision.
      results := results || jsonb_build_object('kind', d->>'kind', 'name', d->>'name', 'outcome', outcome, 'revision',
        case when d->>'kind' = 'Blueprint' and have.digest is not null then have.revision else coalesce(latest, 0) + 1
          + (select count(*) from jsonb_array_elements(results) r where r->>'kind' = d->>'kind' and r->>'name' = d->>'name' and r->>'outcome' <> 'unchanged')::int end);
      raised := raised or (d->>'decides')::boolean;
    end if;
    i := i + 1;
  end loop;
  if (p->>'dryRun')::boolean then return jsonb_build_object('outcome', 'done', 'platformRevision', now_at, 'results', results); end if;

  i := 0;
  for d in select jsonb_array_elements(p->'documents') loop
    outcome := results->i->>'outcome';
    if outcome <> 'unchanged' then
      insert into document_version (kind, name, revision, version, body, digest, applied_by)
        values (d->>'kind', d->>'name', (results->i->>'revision')::int, d->>'version', (d->>'body')::json, d->>'digest', p->'actor'->>'subject')
        on conflict (kind, name, revision) do update set retired_at = null;
      insert into document (kind, name, revision) values (d->>'kind', d->>'name', (results->i->>'revision')::int)
        on conflict (kind, name) do update set revision = excluded.revision, updated_at = now();
      if d->>'kind' = 'Budget' then perform keep_budget(d->'budget'); end if;
      if d->>'kind' = 'Environment' then perform ensure_branch(d->'branch'->>'repository', d->'branch'->>'branch'); end if;
      perform record_event('document.applied', p->'actor', d->>'team', d->>'name',
        jsonb_build_object('kind', d->>'kind', 'outcome', outcome, 'revision', results->i->'revision'));
    end if;
    i := i + 1;
  end loop;
  update document x set revision = v.revision from jsonb_array_elements(p->'documents') b join document_version v
    on v.kind = 'Blueprint' and v.name = b->>'name' and v.version = b->>'current'
    where b->>'kind' = 'Blueprint' and x.kind = 'Blueprint' and x.name = v.name and x.revision <> v.revision;
  if raised then
    update platform set revision = revision + 1 returning revision into now_at;
    perform pg_notify('purser_platform', now_at::text);
  end if;
  return jsonb_build_object('outcome', 'done', 'platformRevision', now_at, 'results', results);
end $$;

-- Takes a document out of force; its versions stay. → {outcome: done | stale | not-found | precondition-failed | in-use, usedBy}
create function retire_document(p jsonb) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare
  now_at bigint := lock_platform(true);
  users jsonb;
  x document;
begin
  if now_at <> (p->>'platformRevision')::bigint then return '{"outcome": "stale"}'; end if;
  select * into x from document y where y.kind = p->>'kind' and y.name = p->>'name';
  if not found then return '{"outcome": "not-found"}'; end if;
  if p->>'ifRevision' not in ('any', x.revision::text) then return '{"outcome": "precondition-failed"}'; end if;
  select jsonb_agg(u.name) into users from (
    select r.environment || '/' || r.name as name from resource r
    where r.status <> 'deleted' and case p->>'kind'
      when 'Team' then r.team = x.name when 'Environment' then r.environment = x.name when 'Blueprint' then r.blueprint_name = x.name else false end
    -- Services raise no platform revision: one that was applied since the caller looked shows only here.
    union all select 'Service ' || s.name from document s join document_version v using (kind, name, revision)
    where p->>'kind' = 'Team' and s.kind = 'Service' and v.body->'spec'->>'owner' = x.name
    order by 1 limit 10) u;
  if users is not null then return jsonb_build_object('outcome', 'in-use', 'usedBy', users); end if;
  if (p->>'dryRun')::boolean then return '{"outcome": "done"}'; end if;

  delete from document y where y.kind = x.kind and y.name = x.name;
  update document_version v set retired_at = now() where v.kind = x.kind and v.name = x.name and v.retired_at is null;
  if x.kind = 'Budget' then update budget b set retired_at = now() where b.name = x.name and b.retired_at is null; end if;
  perform record_event('document.applied', p->'actor', p->>'team', x.name, jsonb_build_object('kind', x.kind, 'outcome', 'retired', 'revision', x.revision));
  if (p->>'decides')::boolean then
    update platform set revision = revision + 1 returning revision into now_at;
    perform pg_notify('purser_platform', now_at::text);
  end if;
  return jsonb_build_object('outcome', 'done', 'platformRevision', now_at);
end $$;
