import pg from 'pg'
import { sessionLimits } from './database.ts'

/** The names of the embedded database and its two roles; an installation with a database of its own chooses its own. */
export const embedded = { database: 'purser', owner: 'purser_owner', application: 'purser_app' } as const

/** Makes the owner, the application's role and the database, where they are missing. Runs at every start: a first one may have been cut short. */
export async function prepareRoles(superuserUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    for (const role of [embedded.owner, embedded.application]) await makeRole(client, role)
    // For the queue's sessions too. The owner has no limits: a migration takes as long as it takes.
    for (const [name, value] of Object.entries(sessionLimits))
      await client.query(`alter role ${embedded.application} set ${name} = '${value}'`)
    const { rowCount } = await client.query('select from pg_database where datname = $1', [embedded.database])
    if (rowCount === 0) {
      await client.query(`create database ${embedded.database} owner ${embedded.owner}`)
      await client.query(`revoke all on database ${embedded.database} from public`)
      await client.query(`grant connect on database ${embedded.database} to ${embedded.application}`)
    }
  } finally {
    await client.end()
  }
}

async function makeRole(client: pg.Client, role: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role])
  if (rowCount === 0) await client.query(`create role ${role} login nosuperuser nocreatedb nocreaterole`)
}
