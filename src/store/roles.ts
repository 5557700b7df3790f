import type pg from 'pg'
import { only, run } from './database.ts'

/** Whether the application's role could go around the functions that guard the tables. */
export async function readRoles(pool: pg.Pool): Promise<{ readonly application: string; readonly applicationOwnsTables: boolean }> {
  const row = only(
    await run<{ application: string; owns: boolean }>(
      pool,
      {
        name: 'read_roles',
        text: `select current_user as application, has_table_privilege(current_user, 'budget', 'update') as owns`,
      },
      [],
    ),
  )
  return { application: row.application, applicationOwnsTables: row.owns }
}
