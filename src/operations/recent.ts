/**
 * What was used lately, up to a weight. Two generations in place of an order: what is used moves to the young one, and when
 * that has half of the weight, the old one is let go.
 */
export type Recent<V> = {
  get(key: string): V | undefined
  set(key: string, value: V, weight: number): void
}

export function openRecent<V>(mostWeight: number): Recent<V> {
  type Entry = { readonly value: V; readonly weight: number }
  let young = new Map<string, Entry>()
  let old = new Map<string, Entry>()
  let weight = 0

  function keep(key: string, entry: Entry): void {
    weight += entry.weight - (young.get(key)?.weight ?? 0)
    young.set(key, entry)
    if (weight <= mostWeight / 2) return
    old = young
    young = new Map()
    weight = 0
  }

  return {
    get(key) {
      const entry = young.get(key)
      if (entry !== undefined) return entry.value
      const older = old.get(key)
      if (older !== undefined) keep(key, older)
      return older?.value
    },
    set: (key, value, size) => keep(key, { value, weight: size }),
  }
}
