/**
 * The limit beside which submits are measured: Fastify with nothing but one prepared statement behind it that writes into
 * five tables and moves one counter. Made for `bench/submit.ts`.
 */
import Fastify from 'fastify'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 8 })
await pool.query(`
  create schema if not exists bare;
  create table if not exists bare.a (id bigint generated always as identity primary key, doc jsonb);
  create table if not exists bare.b (id bigint, doc jsonb); create table if not exists bare.c (id bigint, doc jsonb);
  create table if not exists bare.d (id bigint, doc jsonb); create table if not exists bare.counter (id int primary key, used bigint not null);
  insert into bare.counter select i, 0 from generate_series(0, 999) i on conflict do nothing`)
const text = `with moved as (update bare.counter set used = used + 1 where id = $1 returning id),
  one as (insert into bare.a (doc) select $2 from moved returning id), two as (insert into bare.b select id, $2 from one), three as (insert into bare.c select id, $2 from one),
  four as (insert into bare.d select id, $2 from one) select id from one`
const app = Fastify()
app.post('/v1/requests', async (request, reply) => {
  const { team } = request.body as { team: string }
  const { rows } = await pool.query<{ id: string }>({ name: 'bare', text, values: [Number(team.slice(1)) % 1_000, request.body] })
  return reply.code(202).send({ id: rows[0]?.id })
})
await app.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' })
process.stdout.write('ready\n')
process.on('SIGINT', () => void app.close().then(() => pool.end()))
