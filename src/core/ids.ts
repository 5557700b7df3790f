import { fromString, typeidUnboxed, toUUID, fromUUID } from 'typeid-js'

/**
 * Ids are TypeIDs on the outside (`req_01h…`, https://github.com/jetify-com/typeid) and UUIDv7 in the database.
 * The brand keeps a request's id from being passed where a resource's is meant; only this file and the store mint them.
 */
export type Noun = 'request' | 'resource' | 'event' | 'token'
export type Id<N extends Noun> = string & { readonly __noun: N }

const prefixes = { request: 'req', resource: 'res', event: 'evt', token: 'tok' } as const satisfies Record<Noun, string>

/** A new id; UUIDv7, so ids made later sort later (to the millisecond). */
export function newId<N extends Noun>(noun: N): Id<N> {
  return typeidUnboxed(prefixes[noun]) as string as Id<N>
}

/** An id from outside, or null when it is malformed or of another noun. */
export function parseId<N extends Noun>(noun: N, text: string): Id<N> | null {
  try {
    return fromString(text, prefixes[noun]) as string as Id<N>
  } catch {
    return null
  }
}

/** The UUID that the database keeps for an id. */
export function idToUuid(id: Id<Noun>): string {
  return toUUID(fromString(id))
}

/** The id that a database UUID is shown as. */
export function idFromUuid<N extends Noun>(noun: N, uuid: string): Id<N> {
  return fromUUID(uuid, prefixes[noun]) as string as Id<N>
}
