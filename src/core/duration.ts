/**
 * Time to live, as ISO 8601 writes it in weeks, days and hours: `P2W`, `P14D`, `PT12H`, `P1DT6H`. Months and years are left
 * out because their length depends on when they begin.
 */

const pattern = /^P(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(\d{1,6})H)?$/
const hourMs = 3_600_000
const maxHours = 10 * 365 * 24

/** Milliseconds; null unless more than nothing and at most ten years. */
export function parseDuration(text: string): number | null {
  const match = pattern.exec(text)
  if (match === null) return null
  const [weeks, days, hours] = [match[1], match[2], match[3]].map((digits) => Number(digits ?? '0'))
  const total = ((weeks ?? 0) * 7 + (days ?? 0)) * 24 + (hours ?? 0)
  return total > 0 && total <= maxHours ? total * hourMs : null
}
