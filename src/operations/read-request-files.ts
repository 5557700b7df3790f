import { renderDiff } from '../core/diff.ts'
import { parseId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { readRequest, readRequestFiles as readInStore, type FileRecord } from '../store/requests.ts'
import { missingScope } from './authorize.ts'
import { sightOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'

/** The files of a request's plan: what they will be and what they were. */
export async function readRequestFiles(context: Context, caller: Caller, id: string): Promise<Result<readonly JsonObject[]>> {
  const files = await visibleFiles(context, caller, id)
  return files.ok ? ok(files.value.map((file) => ({ ...file }))) : files
}

/** The same as a unified diff, as `git diff` would print it. */
export async function readRequestDiff(context: Context, caller: Caller, id: string): Promise<Result<string>> {
  const files = await visibleFiles(context, caller, id)
  return files.ok ? ok(files.value.map((file) => renderDiff(file.path, file.previous, file.content)).join('')) : files
}

async function visibleFiles(context: Context, caller: Caller, text: string): Promise<Result<readonly FileRecord[]>> {
  const forbidden = missingScope(caller, 'readRequestFiles')
  if (forbidden !== null) return refuse(forbidden)
  const id = parseId('request', text)
  const record = id === null ? null : await readRequest(context.database.pool, id, sightOf(await context.platform(), caller))
  return record === null ? refuse({ code: 'not-found' }) : ok(await readInStore(context.database.pool, record.id))
}
