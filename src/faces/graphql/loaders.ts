import type { Kind } from '../../core/document/document.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Result } from '../../core/result.ts'
import type { Caller } from '../../operations/caller.ts'
import type { Context } from '../../operations/context.ts'
import { emptyPage, type Page } from '../../operations/page.ts'
import { readDocumentsByNames, readFilesById, readRequestsById, readResourcesById } from '../../operations/read-many.ts'
import { Refusal, unwrap } from './refusal.ts'
import type { ShownDocument, ShownRequest, ShownResource } from './sources.ts'

/** Reads one thing; all that are asked for in the same turn are read together. */
export type Loader<V> = (key: string) => Promise<V>

/**
 * What the fields of one operation need of the same kind leaves in one call, once all that can be asked now has been asked.
 * A loader lives as long as its operation and sees with its caller's eyes, so nothing of one caller reaches another.
 */
export function openLoader<V>(read: (keys: readonly string[]) => Promise<(key: string) => V>): Loader<V> {
  type Waiting = { readonly key: string; readonly resolve: (value: V) => void; readonly reject: (error: unknown) => void }
  const known = new Map<string, Promise<V>>()
  let waiting: Waiting[] = []

  async function send(batch: readonly Waiting[]): Promise<void> {
    try {
      const valueOf = await read(batch.map(({ key }) => key))
      for (const { key, resolve } of batch) resolve(valueOf(key))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return (key) => {
    let value = known.get(key)
    if (value === undefined) {
      value = new Promise((resolve, reject) => {
        waiting.push({ key, resolve, reject })
        if (waiting.length > 1) return
        // Behind every promise that is settled already: what waits for those asks along.
        void Promise.resolve().then(() =>
          process.nextTick(() => {
            const batch = waiting
            waiting = []
            void send(batch)
          }),
        )
      })
      known.set(key, value)
    }
    return value
  }
}

export type Loaders = {
  request(id: string): Promise<ShownRequest | null>
  resource(id: string): Promise<ShownResource | null>
  files(request: string): Promise<readonly JsonObject[]>
  document(kind: Kind, name: string): Promise<ShownDocument | null>
  /** A page of one parent; `read` has them for all parents that want theirs with the same arguments. */
  page(
    edge: string,
    parent: string,
    args: unknown,
    read: (parents: readonly string[]) => Promise<Result<ReadonlyMap<string, Page>>>,
  ): Promise<Page>
  /** Forgets everything: after a mutation it may be otherwise. */
  forget(): void
}

export function openLoaders(context: Context, caller: Caller, signal: AbortSignal): Loaders {
  const loaders = new Map<string, Loader<unknown>>()
  function loader<V>(name: string, read: (keys: readonly string[]) => Promise<Result<ReadonlyMap<string, V>>>, none: V): Loader<V> {
    const open = loaders.get(name)
    // Made below under the same name.
    if (open !== undefined) return open as Loader<V>
    const made = openLoader(async (keys) => {
      if (signal.aborted) throw tooLate
      const found = unwrap(await read(keys))
      return (key) => found.get(key) ?? none
    })
    loaders.set(name, made)
    return made
  }
  return {
    // Operations show them in these shapes.
    request: (id) => loader('request', (ids) => readRequestsById(context, caller, ids), null)(id) as Promise<ShownRequest | null>,
    resource: (id) => loader('resource', (ids) => readResourcesById(context, caller, ids), null)(id) as Promise<ShownResource | null>,
    files: (request) => loader<readonly JsonObject[]>('files', (ids) => readFilesById(context, caller, ids), [])(request),
    document: (kind, name) =>
      loader(kind, (names) => readDocumentsByNames(context, caller, kind, names), null)(name) as Promise<ShownDocument | null>,
    page: (edge, parent, args, read) => loader(`${edge} ${JSON.stringify(args)}`, read, emptyPage)(parent),
    forget: () => loaders.clear(),
  }
}

/** What is still under way when the time is up goes no further. */
export const tooLate = new Refusal({ code: 'unavailable', detail: 'The query took too long. Ask for less at once.', retryAfterS: 1 })
