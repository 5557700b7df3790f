-- The nouns. Shapes are checked here; orders, gates and counters are guarded in the next migration.
-- Amounts are whole minor units a month (budgets of measure `count`: whole resources). Ids are UUIDv7.

create table platform (
  id boolean primary key default true constraint platform_is_one check (id),
  -- Raised by every document that decides something; `admit` refuses plans made on another one.
  revision bigint not null default 0,
  -- The database cluster that this was last migrated in, and how many it has lived in: transaction ids are comparable
  -- within one only.
  cluster bigint,
  -- What all amounts are in; set by the first start and never changed.
  currency text,
  generation integer not null default 1
);
insert into platform default values;

create function current_generation() returns integer language sql stable as $$
  select generation from platform
$$;

create table principal (
  id uuid primary key,
  kind text not null constraint principal_kind_known check (kind in ('person', 'service-account')),
  subject text not null,
  created_at timestamptz not null default now(),
  constraint principal_subject_once unique (subject)
);

create table api_token (
  id uuid primary key,
  principal_id uuid not null references principal (id),
  hash bytea not null constraint api_token_hash_once unique,
  scopes text[] not null,
  -- Teams for whose members the bearer may act; null: none, '{*}': all.
  impersonate_teams text[],
  administrator boolean not null default false,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

create table document_version (
  kind text not null,
  name text not null,
  revision integer not null,
  -- A blueprint's semantic version; null for the other kinds.
  version text,
  -- json, not jsonb: manifests are rendered in the order in which their keys were written.
  body json not null,
  digest text not null,
  applied_at timestamptz not null default now(),
  applied_by text not null,
  retired_at timestamptz,
  primary key (kind, name, revision),
  constraint document_version_blueprints_have_one check ((kind = 'Blueprint') = (version is not null))
);
create unique index document_version_never_changes on document_version (name, version) where kind = 'Blueprint';

-- The current one of each name; for blueprints the one that the bare name stands for.
create table document (
  kind text not null,
  name text not null,
  revision integer not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (kind, name),
  foreign key (kind, name, revision) references document_version (kind, name, revision)
);

create table branch (
  id uuid primary key,
  repository text not null,
  branch text not null,
  -- The head after Purser's last push, or the one that an administrator accepted.
  head text constraint branch_head_is_a_commit check (head ~ '^[0-9a-f]{40}$'),
  -- Compared and set after each push: a writer that lost its lock cannot settle.
  epoch bigint not null default 0,
  state text not null default 'ok' constraint branch_state_known check (state in ('ok', 'refuses', 'unreachable', 'history-rewritten')),
  since timestamptz not null default now(),
  detail text,
  constraint branch_once unique (repository, branch)
);

create table request (
  id uuid primary key,
  state text not null,
  team text not null,
  environment text not null,
  reason text not null,
  requester_id uuid not null references principal (id),
  via_id uuid references principal (id),
  plan_digest text not null constraint request_plan_digest_is_one check (plan_digest ~ '^sha256:[0-9a-f]{64}$'),
  policy_digest text not null,
  outcome text not null constraint request_outcome_known check (outcome in ('allowed', 'requires_approval', 'denied')),
  cost_delta bigint not null,
  -- What was asked, planned and decided, as it is shown; never changes. json keeps the order of its members.
  body json not null,
  -- The covering budgets at admission, this request's reservation included; never changes.
  budgets jsonb not null,
  -- Why it was denied, or why delivery failed.
  problem jsonb,
  idempotency_scope text,
  idempotency_key text,
  fingerprint text,
  commit_sha text constraint request_commit_is_one check (commit_sha ~ '^[0-9a-f]{40}$'),
  committed_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint request_committed_has_a_commit check ((state in ('committed', 'ready')) = (commit_sha is not null)),
  constraint request_commit_has_a_time check ((commit_sha is null) = (committed_at is null)),
  constraint request_refused_says_why check ((state in ('denied', 'failed')) = (problem is not null)),
  constraint request_key_is_whole check ((idempotency_key is null) = (fingerprint is null) and (idempotency_key is null) = (idempotency_scope is null))
);
create unique index request_asked_once on request (idempotency_scope, idempotency_key) where idempotency_key is not null;
create index request_by_team on request (team, id desc);
create index request_by_environment on request (environment, id desc);
create index request_by_requester on request (requester_id, id desc);
create index request_by_state on request (state, id desc);

-- Everyone who had a part in asking; none of them may approve.
create table request_party (
  request_id uuid not null references request (id),
  principal_id uuid not null references principal (id),
  primary key (request_id, principal_id)
);

create table resource (
  id uuid primary key,
  team text not null,
  environment text not null,
  name text not null,
  blueprint_name text not null,
  blueprint_version text not null,
  parameters jsonb not null,
  cost bigint not null constraint resource_cost_not_negative check (cost >= 0),
  ttl text,
  -- Commits so far; 0 while its create is on the way.
  revision integer not null default 0,
  status text not null constraint resource_status_known check (status in ('provisioning', 'ready', 'degraded', 'deleting', 'deleted', 'unknown')),
  open_request_id uuid references request (id),
  last_request_id uuid not null references request (id),
  created_at timestamptz not null,
  updated_at timestamptz not null
);
-- One expression, so that a look-up by name has this index and no other to choose: the planner of a young database takes
-- the one on team alone, and reads all that the team has. No name has a slash.
create unique index resource_name_once on resource ((team || '/' || environment || '/' || name)) where status <> 'deleted';
create index resource_by_blueprint on resource (blueprint_name, id desc);
create index resource_by_environment on resource (environment, id desc);
create index resource_by_team on resource (team, id desc);
create index resource_by_open_request on resource (open_request_id) where open_request_id is not null;

create table request_change (
  request_id uuid not null references request (id),
  ordinal integer not null,
  action text not null constraint request_change_action_known check (action in ('create', 'update', 'delete')),
  -- Null where nothing came of a create (denied).
  resource_id uuid,
  name text not null,
  blueprint_name text not null,
  blueprint_version text not null,
  parameters jsonb,
  ttl text,
  cost_before bigint not null,
  cost_after bigint not null,
  base_revision integer,
  overwrite boolean not null,
  -- [{group, kind, namespace, name}]: what the resource's files hold once committed.
  objects jsonb not null,
  primary key (request_id, ordinal)
);
create index request_change_by_resource on request_change (resource_id, request_id desc);

create table plan_file (
  request_id uuid not null references request (id),
  ordinal integer not null,
  change integer not null,
  path text not null,
  operation text not null constraint plan_file_operation_known check (operation in ('create', 'update', 'delete')),
  digest text,
  content text,
  -- The bytes that Purser wrote there last; the delivery stops where the branch has others.
  previous text,
  primary key (request_id, ordinal),
  constraint plan_file_path_once unique (request_id, path),
  constraint plan_file_bytes_are_the_digest check (digest is not distinct from 'sha256:' || encode(sha256(convert_to(content, 'UTF8')), 'hex')),
  constraint plan_file_delete_has_no_bytes check ((operation = 'delete') = (content is null))
);

-- What is on the branch of a resource, as Purser wrote it.
create table resource_file (
  resource_id uuid not null references resource (id),
  path text not null,
  digest text not null,
  content text not null,
  primary key (resource_id, path)
);

-- One object, one resource. `request_id` is set while the request that brings the object is open.
create table object_claim (
  environment text not null,
  api_group text not null,
  kind text not null,
  namespace text not null,
  name text not null,
  resource_id uuid not null references resource (id),
  request_id uuid references request (id),
  constraint object_claim_one_owner primary key (environment, api_group, kind, namespace, name)
);
create index object_claim_by_resource on object_claim (resource_id);

create table approval_requirement (
  request_id uuid not null references request (id),
  ordinal integer not null,
  source text not null,
  policy text,
  rule text,
  team text not null,
  role text not null,
  required integer not null constraint approval_requirement_positive check (required > 0),
  primary key (request_id, ordinal)
);
create index approval_requirement_by_team on approval_requirement (team, request_id desc);

create table approval (
  request_id uuid not null references request (id),
  principal_id uuid not null references principal (id),
  vote text not null constraint approval_vote_known check (vote in ('approve', 'reject')),
  comment text,
  plan_digest text not null,
  -- Ordinals of the requirements that the voter satisfied by role, judged at the vote and again at release.
  satisfies integer[] not null,
  at timestamptz not null default clock_timestamp(),
  primary key (request_id, principal_id, vote)
);

create table budget (
  id uuid primary key,
  name text not null,
  team text,
  environment text,
  measure text not null constraint budget_measure_known check (measure in ('cost', 'count')),
  -- LIKE patterns of blueprint names; null: all.
  blueprints text[],
  limit_amount bigint not null constraint budget_limit_not_negative check (limit_amount >= 0),
  committed bigint not null default 0 constraint budget_committed_not_negative check (committed >= 0),
  reserved bigint not null default 0 constraint budget_reserved_not_negative check (reserved >= 0),
  alert_at integer[] not null default '{}',
  retired_at timestamptz
);
create unique index budget_name_once on budget (name) where retired_at is null;
create index budget_by_team on budget (team) where retired_at is null;

create table budget_entry (
  id bigint generated always as identity primary key,
  budget_id uuid not null references budget (id),
  request_id uuid references request (id),
  kind text not null constraint budget_entry_kind_known check (kind in ('opening', 'reserve', 'capture', 'release')),
  -- Signed: a capture of a decrease is negative, a release takes its reserve back.
  amount bigint not null,
  at timestamptz not null default now(),
  constraint budget_entry_only_openings_stand_alone check (kind = 'opening' or request_id is not null)
);
create index budget_entry_by_budget on budget_entry (budget_id, id);
create unique index budget_entry_reserved_once on budget_entry (budget_id, request_id) where kind = 'reserve';
create unique index budget_entry_resolved_once on budget_entry (budget_id, request_id) where kind in ('capture', 'release');

-- What an open request will do to each budget that covers it, decreases included: they count at the commit.
create table request_budget (
  request_id uuid not null references request (id),
  budget_id uuid not null references budget (id),
  delta bigint not null,
  primary key (request_id, budget_id)
);

-- Work to be done on a branch, in order. It is the outbox: a queue's job is only a hint that a row is here.
create table delivery (
  request_id uuid primary key references request (id),
  branch_id uuid not null references branch (id),
  number bigint generated always as identity,
  -- From here on nobody can cancel: the commit may be leaving.
  claimed_at timestamptz,
  -- Author and committer date; fixed at the claim, so that the same request on the same parent is the same commit.
  commit_date timestamptz,
  finished_at timestamptz,
  constraint delivery_claim_has_a_date check ((claimed_at is null) = (commit_date is null))
);
create index delivery_waiting on delivery (branch_id, number) where finished_at is null;

-- Every commit that may have reached the branch, stored before it is pushed.
create table delivery_attempt (
  request_id uuid not null references delivery (request_id),
  sha text not null constraint delivery_attempt_is_a_commit check (sha ~ '^[0-9a-f]{40}$'),
  at timestamptz not null default now(),
  primary key (request_id, sha)
);

create table event (
  seq bigint generated always as identity primary key,
  id uuid not null,
  -- Readers go by (generation, tx, seq), of this generation only below the oldest running transaction, so that none is
  -- passed over.
  generation integer not null default current_generation(),
  tx xid8 not null default pg_current_xact_id(),
  type text not null,
  time timestamptz not null default clock_timestamp(),
  actor jsonb not null,
  team text,
  subject text not null,
  data jsonb not null default '{}'
);
create index event_in_order on event (generation, tx, seq);
create index event_by_team on event (team, generation, tx, seq);
create index event_by_subject on event (subject, generation, tx, seq);
