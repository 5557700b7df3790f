import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { submitRequest } from '../../src/operations/submit-request.ts'
import { openAdmission } from '../../src/store/admission.ts'
import { openAsking } from './asking.ts'
import { benchSubmit } from './platform.ts'
import type { Stage } from './stage.ts'

/** Submits a second that `admit` takes from pgbench, `size` of them a call; null when there is no pgbench. */
export type Pgbench = (options: {
  readonly connections: number
  readonly size: number
  readonly teams: number
  readonly seconds: number
}) => Promise<number | null>

/** pgbench with the very document that a submit of the bench has admitted, under ever new names. Apply the documents first. */
export async function openPgbench(stage: Stage): Promise<Pgbench> {
  // In a table: pgbench would take what follows a colon in it for a variable.
  const owner = new pg.Client({ connectionString: stage.ownerUrl })
  await owner.connect()
  await owner.query('create schema pgbench')
  await owner.query('create table pgbench.submit (document text not null)')
  await owner.query('insert into pgbench.submit values ($1)', [await admitDocument(stage.appUrl)])
  await owner.end()
  return async ({ connections, size, teams, seconds }) => {
    const script = join(stage.directory, `admit-${size}-${teams}.sql`)
    const submit = [
      ['@NAME@', "'p' || :n::text || '-' || i"],
      ['@TEAM@', teams === 1 ? "'t0'" : `'t' || (1 + mod(:n::bigint + i, ${teams}))`],
      ['@ID@', 'new_uuid()::text'],
      ['@RESOURCE@', 'new_uuid()::text'],
    ].reduce((text, [mark, value]) => `replace(${text}, '${mark}', ${value})`, 's.document')
    // A division by zero ends pgbench: a refusal must not pass for speed.
    await writeFile(
      script,
      `\\set n random(1, 1000000000000)\nselect 1 / bool_and(a.answer->>'outcome' = 'admitted')::int from admit((select jsonb_agg(${submit}::jsonb) from pgbench.submit s, generate_series(1, ${size}) i)) a;\n`,
    )
    const options = ['-n', '-M', 'prepared', '-c', String(connections), '-j', '2', '-T', String(seconds), '-f', script]
    try {
      const { stdout } = await promisify(execFile)('pgbench', [...options, stage.ownerUrl])
      const tps = Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1])
      return Math.round(tps * size)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }
}

async function admitDocument(appUrl: string): Promise<string> {
  let document = ''
  const { context, ann, close } = await openAsking(appUrl)
  const listening = {
    query: async ({ values }: { readonly values: readonly string[] }) => {
      document = values[0] ?? ''
      return { rows: [{ answer: { outcome: 'key-reused' } }] }
    },
  } as unknown as pg.Pool // Of a pool, admission uses `query` alone.
  await submitRequest({ ...context, admission: openAdmission(listening) }, ann, benchSubmit('t0', 'marked'), null)
  await close()

  const [submit] = JSON.parse(document) as [AdmitDocument]
  const marked = (text: string) => text.replaceAll('marked', '@NAME@')
  return JSON.stringify({
    ...submit,
    id: '@ID@',
    team: '@TEAM@',
    keys: submit.keys.map(marked),
    changes: submit.changes.map((change) => ({
      ...change,
      resourceId: '@RESOURCE@',
      name: '@NAME@',
      objects: change.objects.map((o) => ({ ...o, name: '@NAME@' })),
    })),
    // The bytes stay: the database checks them against their digest.
    files: submit.files.map((file) => ({ ...file, path: marked(file.path) })),
  })
}

/** The members of what `admit` takes that differ between submits. */
type AdmitDocument = {
  readonly keys: readonly string[]
  readonly changes: readonly { readonly objects: readonly object[] }[]
  readonly files: readonly { readonly path: string }[]
}
