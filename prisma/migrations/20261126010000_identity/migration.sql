-- Who people are, at several issuers and under several e-mails; service accounts and their tokens.

-- One human may have had several principals: before their e-mail was verified, or before it changed. Four eyes compares
-- humans. Links are made and never undone.
alter table principal add column human_id uuid;
update principal set human_id = id;
alter table principal alter column human_id set not null;
create index principal_by_human on principal (human_id);

create function guard_principal() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    new.human_id := new.id;
    return new;
  end if;
  if (new.id, new.kind, new.subject, new.created_at) is distinct from (old.id, old.kind, old.subject, old.created_at)
     or new.human_id <> old.human_id and (new.kind <> 'person'
       or not exists (select from principal p where p.human_id = new.human_id and p.human_id <> old.human_id and p.kind = 'person')) then
    raise exception 'who somebody is never changes' using errcode = 'PU006', detail = jsonb_build_object('table', 'principal')::text;
  end if;
  return new;
end $$;
create trigger principal_is_somebody before insert or update on principal for each row execute function guard_principal();

-- All of a human go together: whoever stays behind would be somebody else from then on.
create function guard_human() returns trigger language plpgsql as $$
begin
  if exists (select from principal p where p.human_id = old.human_id) then
    raise exception 'a human cannot be taken apart' using errcode = 'PU006', detail = jsonb_build_object('table', 'principal')::text;
  end if;
  return null;
end $$;
create trigger principal_human_stays_whole after update on principal for each row when (new.human_id <> old.human_id) execute function guard_human();

-- The latest sight of somebody at an issuer: whom they are here, and the groups that count where they do not sign in themselves.
create table person_identity (
  issuer text not null,
  sub text not null,
  principal_id uuid not null references principal (id),
  groups text[] not null,
  groups_at timestamptz not null,
  seen_at timestamptz not null,
  primary key (issuer, sub)
);
create index person_identity_by_principal on person_identity (principal_id);
create index person_identity_by_group on person_identity using gin (groups);

create function link_people(one uuid, other uuid) returns void language plpgsql as $$
declare
  a uuid;
  b uuid;
begin
  -- Two links at once that share somebody would each see the other's half.
  perform pg_advisory_xact_lock(7073, 2);
  select p.human_id into a from principal p where p.id = one;
  select p.human_id into b from principal p where p.id = other;
  update principal p set human_id = a where p.human_id = b and a <> b;
end $$;

-- A person who showed a token of an issuer. `email` is verified and in lower case, or null.
create function see_person(issuer text, sub text, email text, groups text[]) returns uuid language plpgsql security definer set search_path = public, pg_temp as $$
declare
  now_as uuid := know_principal('person', coalesce($3, $1 || '#' || $2));
  before_as uuid;
begin
  insert into person_identity as i (issuer, sub, principal_id, groups, groups_at, seen_at) values ($1, $2, now_as, $4, now(), now())
    on conflict on constraint person_identity_pkey do update set groups = excluded.groups, groups_at = excluded.groups_at, seen_at = excluded.seen_at
    returning i.principal_id into before_as;
  if before_as <> now_as then
    perform link_people(before_as, now_as);
    update person_identity i set principal_id = now_as where i.issuer = $1 and i.sub = $2;
  end if;
  return now_as;
end $$;

-- The principals of people who are listed by e-mail, made known where they are not, and of those seen lately in a group.
create function know_people(emails text[], groups text[], fresh interval) returns uuid[] language plpgsql security definer set search_path = public, pg_temp as $$
declare
  email text;
begin
  for email in select e from unnest(emails) e where not exists (select from principal p where p.subject = e) order by e loop
    perform know_principal('person', email);
  end loop;
  return array(
    select p.id from principal p where p.kind = 'person' and p.subject = any (emails)
    union select i.principal_id from person_identity i where i.groups && $2 and i.groups_at > now() - fresh);
end $$;

-- L4 by humans. ----------------------------------------------------------------------------------------------------------

create function had_part(request uuid, who uuid) returns boolean language sql stable as $$
  select exists (
    select from principal w join principal p on p.human_id = w.human_id join request_party x on x.principal_id = p.id and x.request_id = $1
    where w.id = $2)
$$;

-- As before (L2), but somebody with two principals is one who had a part, and one who approves.
create or replace function request_released(request uuid) returns boolean language sql stable as $$
  select q.outcome = 'allowed' or (q.outcome = 'requires_approval'
    and exists (select from approval_requirement n where n.request_id = q.id)
    and not exists (
      select from approval_requirement n where n.request_id = q.id and n.required > (
        select count(distinct v.human_id) from approval a join principal v on v.id = a.principal_id
        where a.request_id = q.id and a.vote = 'approve' and a.plan_digest = q.plan_digest and n.ordinal = any (a.satisfies) and not had_part(q.id, a.principal_id)))
    and not exists (select from approval a where a.request_id = q.id and a.vote = 'reject'))
  from request q where q.id = request
$$;

-- What was released stays released when two of its people turn out to be one only later: they were two for all that anybody
-- knew. Delivery of everybody else's requests must not stop at it.
create function request_was_released(request uuid) returns boolean language sql stable as $$
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

create or replace function guard_delivery() returns trigger language plpgsql as $$
begin
  if new.claimed_at is not null and (tg_op = 'INSERT' or old.claimed_at is null)
     and not (request_was_released(new.request_id) and exists (select from request q where q.id = new.request_id and q.state = 'queued')) then
    raise exception 'claimed without a release' using errcode = 'PU005', detail = jsonb_build_object('request', new.request_id)::text;
  end if;
  if tg_op = 'UPDATE' and old.claimed_at is not null and (new.claimed_at, new.commit_date) is distinct from (old.claimed_at, old.commit_date) then
    raise exception 'a claim never changes' using errcode = 'PU006', detail = jsonb_build_object('table', 'delivery')::text;
  end if;
  return new;
end $$;

create or replace function guard_approval() returns trigger language plpgsql as $$
declare
  q request;
begin
  if tg_op = 'UPDATE' and (new.request_id, new.principal_id, new.vote, new.comment, new.plan_digest, new.at) is distinct from (old.request_id, old.principal_id, old.vote, old.comment, old.plan_digest, old.at) then
    raise exception 'a vote never changes' using errcode = 'PU006', detail = jsonb_build_object('table', 'approval')::text;
  end if;
  select * into q from request where id = new.request_id;
  -- A vote whose voter is known as a party only since then stays, and may count for nothing alone.
  if (tg_op = 'INSERT' or new.satisfies <> '{}') and (new.principal_id in (q.requester_id, q.via_id) or had_part(new.request_id, new.principal_id)) then
    raise exception 'a party to the request' using errcode = 'PU004', detail = jsonb_build_object('request', new.request_id)::text;
  end if;
  if not exists (select from principal w where w.id = new.principal_id and w.kind = 'person') then
    raise exception 'only people vote' using errcode = 'PU004', detail = jsonb_build_object('request', new.request_id)::text;
  end if;
  if q.state <> 'pending_approval' or q.plan_digest <> new.plan_digest then
    raise exception 'an approval of something else' using errcode = 'PU003', detail = jsonb_build_object('state', q.state)::text;
  end if;
  return new;
end $$;

-- A vote through a bot that is for some teams only counts for the requirements of these, whatever else its voter is.
alter table approval add column only_teams text[];

-- As before, by humans: the vote of another principal of the voter is theirs, so it is the same vote again. `satisfies` then
-- is judged for the principal under which it was cast.
create or replace function vote(p jsonb) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare
  q request;
  current_revision bigint := lock_platform(false);
  voter uuid := (p->>'principal')::uuid;
  only_for text[] := case when coalesce(p->'onlyTeams', 'null') <> 'null' then array(select jsonb_array_elements_text(p->'onlyTeams')) end;
  again boolean;
begin
  select * into q from request where id = (p->>'request')::uuid for update;
  if had_part(q.id, voter) then return '{"outcome": "own-request"}'; end if;
  if q.plan_digest <> p->>'planDigest' then return jsonb_build_object('outcome', 'plan-changed', 'planDigest', q.plan_digest); end if;
  again := exists (
    select from approval a join principal w on w.id = a.principal_id join principal v on v.human_id = w.human_id
    where a.request_id = q.id and a.vote = p->>'vote' and v.id = voter);
  if again and q.state <> 'pending_approval' then return '{"outcome": "same"}'; end if;
  if q.state <> 'pending_approval' then return jsonb_build_object('outcome', 'wrong-state', 'state', q.state); end if;
  if current_revision <> (p->>'platformRevision')::bigint
     or (p->>'seen')::int <> (select count(*) from approval a where a.request_id = q.id) then return '{"outcome": "stale"}'; end if;

  -- The same vote again changes nothing but what it counts for: its voter may have got a role back, or another one.
  if not again then
    insert into approval (request_id, principal_id, vote, comment, plan_digest, satisfies, only_teams)
      values (q.id, voter, p->>'vote', p->>'comment', p->>'planDigest', array(select jsonb_array_elements_text(p->'satisfies'->voter::text)::int), only_for);
  else
    update approval a set only_teams = case when a.only_teams is not null and only_for is not null then a.only_teams || only_for end
      from principal w join principal v on v.human_id = w.human_id
      where a.request_id = q.id and a.vote = p->>'vote' and a.principal_id = w.id and v.id = voter and not coalesce(a.only_teams @> only_for, a.only_teams is null);
  end if;
  update approval a set satisfies = case when had_part(q.id, a.principal_id) then '{}' else array(select jsonb_array_elements_text(s.value)::int) end
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

-- Service accounts and tokens. -------------------------------------------------------------------------------------------

create table service_account (
  principal_id uuid primary key references principal (id),
  -- A principal's subject: never given twice, not even after the account was retired. Both of the others are Purser's own.
  name text not null constraint service_account_name_once unique
    constraint service_account_name_is_a_label check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' and name not in ('admin', 'purser')),
  team text not null,
  description text not null,
  created_at timestamptz not null default now(),
  created_by uuid not null references principal (id),
  retired_at timestamptz
);
create index service_account_by_team on service_account (team, name);

create function guard_service_account() returns trigger language plpgsql as $$
begin
  if (new.principal_id, new.name, new.team, new.created_at, new.created_by) is distinct from (old.principal_id, old.name, old.team, old.created_at, old.created_by)
     or old.retired_at is not null and new is distinct from old then
    raise exception 'whose an account is never changes' using errcode = 'PU006', detail = jsonb_build_object('table', 'service_account')::text;
  end if;
  return new;
end $$;
create trigger service_account_stays before update on service_account for each row execute function guard_service_account();
create trigger service_account_never_removed before delete on service_account for each row execute function refuse_change();

alter table api_token
  add column prefix text,
  add column created_by uuid references principal (id),
  add column expires_at timestamptz,
  add column last_used_at timestamptz,
  add column replaced_by uuid references api_token (id),
  -- Only an installation's own token lives until it is revoked.
  add constraint api_token_ends check (administrator or expires_at is not null and created_by is not null),
  add constraint api_token_impersonates_with_its_scope check (impersonate_teams is null or 'impersonate' = any (scopes));
create index api_token_by_principal on api_token (principal_id, id desc);

create function guard_token() returns trigger language plpgsql as $$
begin
  if (new.id, new.principal_id, new.hash, new.scopes, new.impersonate_teams, new.administrator, new.created_at, new.prefix, new.created_by)
       is distinct from (old.id, old.principal_id, old.hash, old.scopes, old.impersonate_teams, old.administrator, old.created_at, old.prefix, old.created_by)
     or old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at
     or old.expires_at is not null and (new.expires_at is null or new.expires_at > old.expires_at) then
    raise exception 'a token never becomes more' using errcode = 'PU006', detail = jsonb_build_object('table', 'api_token')::text;
  end if;
  return new;
end $$;
create trigger api_token_never_grows before update on api_token for each row execute function guard_token();
create trigger api_token_never_removed before delete on api_token for each row execute function refuse_change();

-- {name, team, description, createdBy, actor} → {outcome: done | no-team | name-taken, principal}. Under the platform lock, so that
-- its team is not removed meanwhile.
create function make_service_account(p jsonb) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare
  made uuid := new_uuid();
begin
  perform lock_platform(false);
  if not exists (select from document d where d.kind = 'Team' and d.name = p->>'team') then return '{"outcome": "no-team"}'; end if;
  insert into principal (id, kind, subject) values (made, 'service-account', p->>'name') on conflict on constraint principal_subject_once do nothing;
  if not found then return '{"outcome": "name-taken"}'; end if;
  insert into service_account (principal_id, name, team, description, created_by)
    values (made, p->>'name', p->>'team', p->>'description', (p->>'createdBy')::uuid);
  perform record_event('service-account.created', p->'actor', p->>'team', p->>'name', jsonb_build_object('description', p->>'description'));
  return jsonb_build_object('outcome', 'done', 'principal', made);
end $$;

-- Tokens by their row locks, in order: → how many were in force.
create function revoke_tokens(tokens uuid[], account service_account, actor jsonb) returns integer language plpgsql as $$
declare
  t api_token;
  revoked integer := 0;
begin
  for t in select * from api_token x where x.id = any (tokens) and x.principal_id = account.principal_id and x.revoked_at is null order by x.id for no key update loop
    update api_token set revoked_at = now() where id = t.id;
    perform record_event('token.revoked', actor, account.team, type_id('tok', t.id), jsonb_build_object('serviceAccount', account.name, 'prefix', t.prefix));
    revoked := revoked + 1;
  end loop;
  return revoked;
end $$;

-- Takes an account out of use, and its tokens with it. → whether it was there.
create function retire_service_account(account text, actor jsonb) returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
declare
  a service_account;
  revoked integer;
begin
  select * into a from service_account x where x.name = account and x.retired_at is null for update;
  if not found then return false; end if;
  revoked := revoke_tokens(array(select t.id from api_token t where t.principal_id = a.principal_id), a, actor);
  update service_account set retired_at = now() where principal_id = a.principal_id;
  perform record_event('service-account.retired', actor, a.team, a.name, jsonb_build_object('tokens', revoked));
  return true;
end $$;

-- {id, account, hash (base64), prefix, scopes, impersonateTeams, createdBy, expiresIn, replaces, overlap, actor}
-- → {outcome: done | not-found | nothing-to-replace | no-team, createdAt, expiresAt}. A token that is replaced ends after `overlap` seconds.
create function mint_token(p jsonb) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare
  a service_account;
  old api_token;
  made api_token;
begin
  perform lock_platform(false);
  select * into a from service_account x where x.name = p->>'account' and x.retired_at is null for no key update;
  if not found then return '{"outcome": "not-found"}'; end if;
  if p->>'replaces' is not null then
    select * into old from api_token t where t.id = (p->>'replaces')::uuid and t.principal_id = a.principal_id and t.revoked_at is null for no key update;
    if not found then return '{"outcome": "nothing-to-replace"}'; end if;
  end if;
  if exists (select from jsonb_array_elements_text(coalesce(nullif(p->'impersonateTeams', 'null'), '[]')) t
      where t <> '*' and not exists (select from document d where d.kind = 'Team' and d.name = t)) then
    return '{"outcome": "no-team"}';
  end if;
  insert into api_token (id, principal_id, hash, scopes, impersonate_teams, prefix, created_by, expires_at)
    values ((p->>'id')::uuid, a.principal_id, decode(p->>'hash', 'base64'), array(select jsonb_array_elements_text(p->'scopes')),
      case when coalesce(p->'impersonateTeams', 'null') <> 'null' then array(select jsonb_array_elements_text(p->'impersonateTeams')) end,
      p->>'prefix', (p->>'createdBy')::uuid, now() + make_interval(secs => (p->>'expiresIn')::int))
    returning * into made;
  if old.id is not null then
    update api_token set replaced_by = made.id, expires_at = least(expires_at, now() + make_interval(secs => (p->>'overlap')::int)) where id = old.id;
  end if;
  perform record_event('token.created', p->'actor', a.team, type_id('tok', made.id),
    jsonb_build_object('serviceAccount', a.name, 'prefix', made.prefix, 'scopes', made.scopes, 'impersonateTeams', made.impersonate_teams, 'expiresAt', to_char(made.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'replaces', case when old.id is not null then type_id('tok', old.id) end));
  return jsonb_build_object('outcome', 'done', 'createdAt', made.created_at, 'expiresAt', made.expires_at);
end $$;

-- → whether the account has such a token; revoking it again is the same.
create function revoke_token(account text, token uuid, actor jsonb) returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
declare
  a service_account;
begin
  select * into a from service_account x where x.name = account and x.retired_at is null;
  if not found or not exists (select from api_token t where t.id = token and t.principal_id = a.principal_id) then return false; end if;
  perform revoke_tokens(array[token], a, actor);
  return true;
end $$;

create function touch_tokens(tokens uuid[]) returns void language sql security definer set search_path = public, pg_temp as $$
  update api_token t set last_used_at = now()
  where t.id in (select x.id from api_token x where x.id = any (tokens) order by x.id for no key update skip locked)
$$;

-- The actor of an event may come with the credential that it showed, which goes into the event's data: a leaked token is
-- traced by what it did.
create or replace function record_event(type text, actor jsonb, team text, subject text, data jsonb) returns void language sql as $$
  insert into event (id, type, actor, team, subject, data) values (new_uuid(), 'dev.purser.' || type || '.v1', actor - 'credential', team, subject,
    coalesce(data, '{}') || case when actor ? 'credential' then jsonb_build_object('credential', actor->'credential') else '{}' end)
$$;

-- As before; and a team stays as long as it has service accounts, which are nobody's without it. → {outcome: done | stale | not-found | precondition-failed | in-use, usedBy}
create or replace function retire_document(p jsonb) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
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
    union all select 'ServiceAccount ' || a.name from service_account a where p->>'kind' = 'Team' and a.team = x.name and a.retired_at is null
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
