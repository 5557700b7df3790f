import { InvalidArgumentError } from 'commander'

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** `90`, `90s`, `10m`, `2h` → milliseconds. */
export function parseTimeout(text: string): number {
  const match = /^(\d{1,6})(ms|s|m|h)?$/.exec(text)
  if (match === null) throw new InvalidArgumentError('Write seconds, or 90s, 10m, 2h.')
  return Number(match[1]) * (units[match[2] ?? 's'] ?? 1000)
}

/** How long something is good: as `parseTimeout`, and days. */
export function parseLifetime(text: string): number {
  const match = /^(\d{1,4})d$/.exec(text)
  return match === null ? parseTimeout(text) : Number(match[1]) * 86_400_000
}

/** A whole number from 1 to 10,000. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,3}$|^10000$/.test(text)) throw new InvalidArgumentError('Write a number from 1 to 10000.')
  return Number(text)
}

/** How far a request can be followed. */
export function parseWaitState(text: string): 'committed' {
  if (text === 'committed') return text
  if (text === 'ready')
    throw new InvalidArgumentError('Nothing reports yet when what was committed is ready. Wait for committed, and look at the cluster.')
  throw new InvalidArgumentError('Write committed.')
}

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}
