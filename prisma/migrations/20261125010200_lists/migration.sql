-- What lists need so that they cost the same however much there is. Each is off the way of a request that policy lets pass:
-- partial indexes leave out what every request goes through, and the one table has rows only while something waits.

-- A team's requests in a state that few are in: a list in one of these must not read all that the team ever asked.
create index request_by_rare_state on request (team, state, id desc) where state not in ('queued', 'committed', 'ready');
-- What is about a resource, by its name: all that it ever was about, deleted ones too, and what was denied and so has none.
create index resource_by_name on resource (name, team);
create index request_change_by_name_alone on request_change (name, request_id desc) where resource_id is null;
create index resource_by_rare_status on resource (status, id desc) where status in ('degraded', 'deleting', 'deleted');
create index resource_by_team_and_rare_status on resource (team, status, id desc) where status in ('degraded', 'deleting', 'deleted');
create index event_by_rare_type on event (type, generation, tx, seq) where type not in
  ('dev.purser.request.submitted.v1', 'dev.purser.request.committed.v1', 'dev.purser.resource.changed.v1');
create index event_by_team_and_rare_type on event (team, type, generation, tx, seq) where type not in
  ('dev.purser.request.submitted.v1', 'dev.purser.request.committed.v1', 'dev.purser.resource.changed.v1');

-- The requirements of requests that wait for approvals, kept by triggers: `approval_requirement` has those of all that
-- ever waited, and who asks what waits for them would read it all to find a few.
create table waiting_approval (
  request_id uuid not null references request (id),
  ordinal integer not null,
  team text not null,
  role text not null,
  required integer not null,
  primary key (request_id, ordinal)
);
create index waiting_approval_by_team on waiting_approval (team, request_id desc);
insert into waiting_approval (request_id, ordinal, team, role, required)
  select n.request_id, n.ordinal, n.team, n.role, n.required
  from approval_requirement n join request q on q.id = n.request_id where q.state = 'pending_approval';

create function begin_waiting() returns trigger language plpgsql as $$
begin
  insert into waiting_approval (request_id, ordinal, team, role, required)
    select new.request_id, new.ordinal, new.team, new.role, new.required
    from request q where q.id = new.request_id and q.state = 'pending_approval';
  return null;
end $$;
create trigger approval_requirement_waits after insert on approval_requirement for each row execute function begin_waiting();

create function end_waiting() returns trigger language plpgsql as $$
begin
  delete from waiting_approval w where w.request_id = new.id;
  return null;
end $$;
create trigger request_waits_no_more after update of state on request for each row
  when (old.state = 'pending_approval' and new.state <> 'pending_approval') execute function end_waiting();
