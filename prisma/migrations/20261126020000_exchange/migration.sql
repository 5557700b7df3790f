-- Tokens of CI jobs that were exchanged for one of Purser's own: each once, for as long as it could be shown again.

create table exchanged_token (
  issuer text not null,
  -- The token's own `jti`, or the digest of what stands for it.
  jti text not null,
  -- When the job's token ends, with what clocks may differ by.
  expires_at timestamptz not null,
  primary key (issuer, jti)
);
create index exchanged_token_by_end on exchanged_token (expires_at);
create trigger exchanged_token_never_changes before update on exchanged_token for each row execute function refuse_change();

create function guard_exchanged_token() returns trigger language plpgsql as $$
begin
  if old.expires_at > now() then
    raise exception 'an exchange is remembered as long as its token lives' using errcode = 'PU006', detail = jsonb_build_object('table', 'exchanged_token')::text;
  end if;
  return old;
end $$;
create trigger exchanged_token_kept before delete on exchanged_token for each row execute function guard_exchanged_token();

-- {trust, revision, token, serviceAccount, issuer, jti, expiresAt, actor, data} → {outcome: done | stale | no-account | replayed}.
-- What it says of Trust and account holds until it is through: neither is changed or retired meanwhile. Of two at once with
-- one token the second waits at the primary key for what becomes of the first.
create function exchange_token(p jsonb) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare
  a service_account;
begin
  perform from document d where d.kind = 'Trust' and d.name = p->>'trust' and d.revision = (p->>'revision')::int for share;
  if not found then return '{"outcome": "stale"}'; end if;
  select * into a from service_account x where x.name = p->>'serviceAccount' and x.retired_at is null for share;
  if not found then return '{"outcome": "no-account"}'; end if;
  -- What is over goes with those who come, a bounded number at a time.
  delete from exchanged_token where (issuer, jti) in (
    select e.issuer, e.jti from exchanged_token e where e.expires_at < now() - interval '1 minute' order by e.expires_at limit 100 for update skip locked);
  insert into exchanged_token (issuer, jti, expires_at) values (p->>'issuer', p->>'jti', (p->>'expiresAt')::timestamptz)
    on conflict on constraint exchanged_token_pkey do nothing;
  if not found then return '{"outcome": "replayed"}'; end if;
  perform record_event('token.exchanged', p->'actor', a.team, p->>'token', p->'data');
  return '{"outcome": "done"}';
end $$;
