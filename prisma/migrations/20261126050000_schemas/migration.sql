-- What a cluster knows of kinds: one row a served version of a CustomResourceDefinition. Plans are judged by it, so that a
-- change of it moves the platform on.

create table kind_schema (
  api_group text not null,
  version text not null,
  kind text not null,
  scope text not null constraint kind_schema_scope_known check (scope in ('Namespaced', 'Cluster')),
  -- The definition that it is from: `databases.db.example.com`.
  definition text not null,
  -- As it was sent but for what is for people to read; json, so that fields keep their order.
  schema json not null,
  digest text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  updated_by text not null,
  primary key (api_group, kind, version)
);
create index kind_schema_by_digest on kind_schema (digest);
create index kind_schema_by_definition on kind_schema (definition);

-- {dryRun, actor, definitions: [{name, group, kind, scope, versions: [{version, schema (text), digest}]}]}
-- → [created | changed | unchanged], one each. What a definition does not serve any more goes.
create function put_kind_schemas(p jsonb) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare
  d jsonb;
  had text[];
  has text[];
  outcome text;
  outcomes jsonb := '[]';
  moved bigint;
begin
  perform lock_platform(true);
  for d in select jsonb_array_elements(p->'definitions') loop
    select coalesce(array_agg(concat_ws('/', s.api_group, s.kind, s.version, s.scope, s.digest) order by s.version), '{}') into had
      from kind_schema s where s.definition = d->>'name' or (s.api_group = d->>'group' and s.kind = d->>'kind');
    select coalesce(array_agg(concat_ws('/', d->>'group', d->>'kind', v->>'version', d->>'scope', v->>'digest') order by v->>'version'), '{}') into has
      from jsonb_array_elements(d->'versions') v;
    outcome := case when had = '{}' then 'created' when had = has then 'unchanged' else 'changed' end;
    outcomes := outcomes || to_jsonb(outcome);
    if outcome <> 'unchanged' and not (p->>'dryRun')::boolean then
      delete from kind_schema s where (s.definition = d->>'name' or (s.api_group = d->>'group' and s.kind = d->>'kind'))
        and not ((s.api_group, s.kind) = (d->>'group', d->>'kind') and s.version in (select v->>'version' from jsonb_array_elements(d->'versions') v));
      insert into kind_schema (api_group, version, kind, scope, definition, schema, digest, updated_by)
        select d->>'group', v->>'version', d->>'kind', d->>'scope', d->>'name', (v->>'schema')::json, v->>'digest', p->'actor'->>'subject'
        from jsonb_array_elements(d->'versions') v
        on conflict (api_group, kind, version) do update set scope = excluded.scope, definition = excluded.definition, schema = excluded.schema,
          digest = excluded.digest, updated_at = now(), updated_by = excluded.updated_by
        where (kind_schema.scope, kind_schema.definition, kind_schema.digest) is distinct from (excluded.scope, excluded.definition, excluded.digest);
      perform record_event('schema.applied', p->'actor', null, d->>'name', jsonb_build_object('outcome', outcome, 'kind', d->>'kind',
        'versions', (select jsonb_agg(v->>'version' order by v->>'version') from jsonb_array_elements(d->'versions') v)));
      moved := 1;
    end if;
  end loop;
  if moved is not null then
    update platform set revision = revision + 1 returning revision into moved;
    perform pg_notify('purser_platform', moved::text);
  end if;
  return outcomes;
end $$;

-- Takes one version of a kind out → whether it was there.
create function remove_kind_schema(wanted_group text, wanted_version text, wanted_kind text, actor jsonb) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s kind_schema;
  moved bigint;
begin
  perform lock_platform(true);
  delete from kind_schema k where (k.api_group, k.version, k.kind) = (wanted_group, wanted_version, wanted_kind) returning * into s;
  if not found then return false; end if;
  perform record_event('schema.applied', actor, null, s.definition, jsonb_build_object('outcome', 'retired', 'kind', s.kind, 'versions', jsonb_build_array(s.version)));
  update platform set revision = revision + 1 returning revision into moved;
  perform pg_notify('purser_platform', moved::text);
  return true;
end $$;
