-- Two roles. The owner migrates; the application reads everything and writes through the functions below alone, so that
-- no raw statement of its own can move a counter, insert a vote, set a state or touch the log.

-- First sight of a person or a service account.
create function know_principal(kind text, subject text) returns uuid language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into principal (id, kind, subject) values (new_uuid(), $1, $2) on conflict on constraint principal_subject_once do nothing;
  return (select p.id from principal p where p.subject = $2);
end $$;

-- The administrator's token of an installation, known by its hash. `alone`: every other one is revoked, since the file that
-- this one is in is the only one that there is.
create function keep_admin_token(token_hash bytea, token_scopes text[], alone boolean) returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into api_token (id, principal_id, hash, scopes, impersonate_teams, administrator)
    values (new_uuid(), know_principal('service-account', 'admin'), token_hash, token_scopes, '{*}', true)
    on conflict on constraint api_token_hash_once do nothing;
  if alone then update api_token t set revoked_at = now() where t.administrator and t.hash <> token_hash and t.revoked_at is null; end if;
end $$;

-- The currency of every amount in this database: the first one that was named.
create function keep_currency(wanted text) returns text language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update platform set currency = wanted where currency is null;
  return (select currency from platform);
end $$;

create function refuse_access(actor jsonb, team text, subject text, data jsonb) returns void language sql security definer set search_path = public, pg_temp as $$
  select record_event('access.refused', actor, team, subject, data)
$$;

-- Called by the migration runner: a database that was restored into another cluster begins a new generation of events.
create function adopt_cluster() returns void language sql as $$
  update platform p set generation = p.generation + (p.cluster is not null)::int, cluster = c.system_identifier
  from pg_control_system() c where p.cluster is distinct from c.system_identifier
$$;

-- Called by the migration runner with the application's role, after every migration.
create procedure grant_application(application name) language plpgsql as $$
declare
  f regprocedure;
begin
  -- Before PostgreSQL 15 everybody may create in `public`: a function there whose arguments fit better than those of ours would
  -- be called by ours, with the owner's rights.
  revoke create on schema public from public;
  execute format('grant usage on schema public to %I', application);
  execute format('grant select on all tables in schema public to %I', application);
  -- Ours alone: an extension's functions in this schema are somebody else's to give.
  for f in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' and p.proowner = current_user::regrole
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e') loop
    execute format('revoke execute on function %s from public', f);
  end loop;
  foreach f in array array['admit(jsonb[])', 'plan_conflicts(jsonb[])', 'covering_budgets(text, text, jsonb)', 'budget_delta(text, text, bigint, bigint)',
      'budget_covers(budget, text, text, text)', 'vote(jsonb)', 'cancel_request(uuid, jsonb)', 'branch_work(uuid)',
      'take_branch(uuid)', 'claim_deliveries(uuid, integer, bigint, uuid[])', 'store_attempts(jsonb)', 'settle_commits(uuid, bigint, text, jsonb)', 'fail_delivery(uuid, bigint, uuid, jsonb)',
      'set_branch_state(uuid, bigint, text, text)', 'accept_head(uuid, text, jsonb)', 'ensure_branch(text, text)', 'apply_documents(jsonb)', 'retire_document(jsonb)',
      'know_principal(text, text)', 'keep_admin_token(bytea, text[], boolean)', 'keep_currency(text)', 'refuse_access(jsonb, text, text, jsonb)', 'type_id(text, uuid)', 'current_generation()']::regprocedure[] loop
    execute format('grant execute on function %s to %I', f, application);
  end loop;
end $$;
