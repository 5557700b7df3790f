/**
 * Semantic versions (https://semver.org), as blueprints have them. Build metadata is refused: two versions that differ only
 * in it have no order, and `name@version` must mean one thing.
 */
export type Semver = { readonly major: number; readonly minor: number; readonly patch: number; readonly prerelease: readonly string[] }

/** A version without leading zeros, or null. */
export function parseSemver(text: string): Semver | null {
  if (text.length > 64) return null
  const dash = text.indexOf('-')
  const numbers = (dash === -1 ? text : text.slice(0, dash)).split('.')
  const prerelease = dash === -1 ? [] : text.slice(dash + 1).split('.')
  if (numbers.length !== 3 || !numbers.every(isNumber) || !prerelease.every((part) => isNumber(part) || isWord(part))) return null
  const [major = 0, minor = 0, patch = 0] = numbers.map(Number)
  return { major, minor, patch, prerelease }
}

/** Negative, zero or positive, by precedence; a pre-release is before its release. */
export function compareSemver(a: Semver, b: Semver): number {
  const release = a.major - b.major || a.minor - b.minor || a.patch - b.patch
  if (release !== 0) return release
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return b.prerelease.length - a.prerelease.length
  for (let i = 0; i < Math.max(a.prerelease.length, b.prerelease.length); i++) {
    const order = comparePart(a.prerelease[i], b.prerelease[i])
    if (order !== 0) return order
  }
  return 0
}

/** Up to nine digits, so that it is a safe number. */
function isNumber(text: string): boolean {
  return /^(0|[1-9]\d{0,8})$/.test(text)
}

function isWord(text: string): boolean {
  return /^[0-9A-Za-z-]+$/.test(text) && /[A-Za-z-]/.test(text)
}

/** Fewer parts first, numbers before words, numbers by value, words by ASCII. */
function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === undefined) return b === undefined ? 0 : -1
  if (b === undefined) return 1
  if (isNumber(a) && isNumber(b)) return Number(a) - Number(b)
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
