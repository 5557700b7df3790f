/**
 * What was read is believed for as long as it may be, counted from before it was read: so what was undone in the store is
 * undone here that long after, at the latest. Those who want the same at once read it once.
 */
export type Lapsing<V> = {
  /** What is known of a key and has not lapsed. */
  get(key: string): V | undefined
  /** The same, else what `load` says; null is not kept. `ms`: as long as this value may be believed, where that is less. */
  read(key: string, load: () => Promise<V | null>, ms?: (value: V) => number): Promise<V | null>
}

export function openLapsing<V>(longestMs: number, most: number): Lapsing<V> {
  const known = new Map<string, { readonly value: V; readonly until: number }>()
  const loading = new Map<string, { readonly since: number; readonly value: Promise<V | null> }>()

  function get(key: string): V | undefined {
    const entry = known.get(key)
    return entry !== undefined && entry.until > performance.now() ? entry.value : undefined
  }

  async function load(key: string, since: number, read: () => Promise<V | null>, ms: (value: V) => number): Promise<V | null> {
    const value = await read()
    const lasts = value === null ? 0 : Math.min(longestMs, ms(value))
    known.delete(key)
    if (value === null || lasts <= 0) return value
    if (known.size >= most) known.clear()
    known.set(key, { value, until: since + lasts })
    return value
  }

  return {
    get,
    async read(key, read, ms = () => longestMs) {
      const value = get(key)
      if (value !== undefined) return value
      const since = performance.now()
      const under = loading.get(key)
      if (under !== undefined && since - under.since < longestMs) return under.value
      const own = { since, value: load(key, since, read, ms) }
      loading.set(key, own)
      try {
        return await own.value
      } finally {
        if (loading.get(key) === own) loading.delete(key)
      }
    },
  }
}
