#!/bin/sh
# Runs once, when PostgreSQL makes its folder: the two roles of docs/running.md and their database.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set owner="$OWNER_PASSWORD" --set app="$APP_PASSWORD" <<'SQL'
create role purser_owner login password :'owner';
create role purser_app login password :'app';
create database purser owner purser_owner;
revoke connect on database purser from public;
grant connect on database purser to purser_app;
alter role purser_app set statement_timeout = '30s';
alter role purser_app set lock_timeout = '10s';
alter role purser_app set idle_in_transaction_session_timeout = '30s';
SQL
