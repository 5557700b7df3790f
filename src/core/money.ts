/**
 * Money is a whole number of minor units (cents) in the platform's one currency; `number` never touches it.
 * An amount of a budget of measure `count` is a whole number of resources in the same bigint, shown without decimals.
 */
export type Measure = 'cost' | 'count'

/** `"2500.00"`, `"-3.5"`, `"12"` → minor units; null for anything else, more than two decimals or thirteen digits included (what a JSON number holds to the cent). */
export function parseMoney(text: string): bigint | null {
  const match = /^(-?)(\d{1,13})(?:\.(\d{1,2}))?$/.exec(text)
  if (match === null) return null
  const minor = BigInt(match[2] ?? '0') * 100n + BigInt((match[3] ?? '').padEnd(2, '0'))
  return match[1] === '-' ? -minor : minor
}

/** Minor units → `"258.00"`. */
export function formatMoney(minor: bigint): string {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(3, '0')
  return `${minor < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** An amount as people read it in its measure: `"258.00"` for cost, `"3"` for a count. */
export function formatAmount(amount: bigint, measure: Measure): string {
  return measure === 'cost' ? formatMoney(amount) : amount.toString()
}

/** The largest price that a single resource may have: 10 trillion a month, well inside what a double holds to the cent. */
const MAX_PRICE = 1e13

/**
 * A CEL double per month → minor units: first rounded to 6 decimals, then half-up to cents. One-step rounding is off by
 * a cent where the double lies just below a half (1.005 is 1.00499999999999989…). Null when it is not finite, negative
 * or out of range.
 */
export function roundPrice(value: number): bigint | null {
  if (!Number.isFinite(value) || value < 0 || value > MAX_PRICE) return null
  if (Number.isInteger(value)) return BigInt(value) * 100n
  const [whole = '0', fraction = ''] = value.toFixed(6).split('.')
  const micro = BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
  return (micro + 5_000n) / 10_000n
}
