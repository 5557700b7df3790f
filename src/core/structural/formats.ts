import type { Json } from '../json.ts'
import { parseIpv4, parseIpv6 } from './ip-address.ts'
import type { StructuralType } from './node.ts'

/**
 * The formats that the API server checks; it passes over all others
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation).
 */
export function formatCheck(format: string, type: StructuralType | null): ((value: Json) => boolean) | null {
  const range = ranges[format]
  if (range !== undefined) {
    const [low, high] = range
    return type === 'string' ? null : (value) => typeof value !== 'number' || (value >= low && value <= high)
  }
  // Go's names with and without the dash are one format.
  const fits = texts[format === 'datetime' ? 'date-time' : format.replaceAll('-', '')] ?? texts[format]
  return fits === undefined ? null : (value) => typeof value !== 'string' || fits(value)
}

const ranges: { readonly [format: string]: readonly [number, number] } = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63],
}

const hex = '[0-9a-f]'
const uuidOf = (version: string, variant: string) =>
  new RegExp(`^${hex}{8}-?${hex}{4}-?${version}${hex}{3}-?${variant}${hex}{3}-?${hex}{12}$`, 'i')
const uuid = uuidOf(hex, hex)
const uuid3 = uuidOf('3', hex)
const uuid4 = uuidOf('4', '[89ab]')
const uuid5 = uuidOf('5', '[89ab]')
const hostLabel = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/
const dateTime = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2}|60)(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/
const day = /^(\d{4})-(\d{2})-(\d{2})$/

const texts: { readonly [format: string]: (text: string) => boolean } = {
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
  uri: isUri,
  email: (text) => /^[^\s@<>"]+@[^\s@<>"]+$/.test(text),
  hostname: (text) => text.length <= 253 && text.split('.').every((label) => hostLabel.test(label)),
  ipv4: (text) => parseIpv4(text) !== null,
  ipv6: (text) => parseIpv6(text) !== null,
  cidr: isCidr,
  mac: (text) => /^([0-9a-f]{2}([:-])([0-9a-f]{2}\2){4}[0-9a-f]{2}|([0-9a-f]{4}\.){2}[0-9a-f]{4})$/i.test(text),
  uuid: (text) => uuid.test(text),
  uuid3: (text) => uuid3.test(text),
  uuid4: (text) => uuid4.test(text),
  uuid5: (text) => uuid5.test(text),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  hexcolor: (text) => /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  rgbcolor: isRgbColor,
  byte: (text) => /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text),
  date: (text) => isDay(day.exec(text)),
  'date-time': isDateTime,
  duration: (text) => parseDuration(text) !== null,
}

/** What Go's url.ParseRequestURI takes: an absolute URI, or an absolute path. */
function isUri(text: string): boolean {
  return text.startsWith('/') ? !/\s/.test(text) : /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(text) && URL.canParse(text)
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/')
  const most = parseIpv4(address) !== null ? 32 : parseIpv6(address) !== null ? 128 : -1
  return more.length === 0 && /^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= most
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^\d{9}[\dX]$/.test(digits)) return false
  return Array.from(digits).reduce((sum, d, i) => sum + (10 - i) * (d === 'X' ? 10 : Number(d)), 0) % 11 === 0
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  return /^\d{13}$/.test(digits) && Array.from(digits).reduce((sum, d, i) => sum + Number(d) * (i % 2 === 0 ? 1 : 3), 0) % 10 === 0
}

function isCreditCard(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^\d{13,19}$/.test(digits)) return false
  const doubled = (d: number) => (d > 4 ? d * 2 - 9 : d * 2)
  return (
    Array.from(digits)
      .reverse()
      .reduce((sum, d, i) => sum + (i % 2 === 0 ? Number(d) : doubled(Number(d))), 0) %
      10 ===
    0
  )
}

function isRgbColor(text: string): boolean {
  const match = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text)
  return match !== null && match.slice(1).every((part) => Number(part) <= 255)
}

function isDay(match: RegExpExecArray | null): boolean {
  if (match === null) return false
  const [year, month, date] = [Number(match[1]), Number(match[2]), Number(match[3])]
  return month >= 1 && month <= 12 && date >= 1 && date <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

function isDateTime(text: string): boolean {
  const match = dateTime.exec(text)
  return match !== null && isDay(match) && Number(match[4]) < 24 && Number(match[5]) < 60
}

const units: { readonly [unit: string]: number } = { ns: 1e-9, us: 1e-6, µs: 1e-6, μs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3_600 }

/** Seconds of what Go's time.ParseDuration reads (`1h30m`), or null. */
export function parseDuration(text: string): number | null {
  if (/^[+-]?0$/.test(text)) return 0
  if (!/^[+-]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return null
  let seconds = 0
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g))
    seconds += Number(amount) * (units[unit] ?? 0)
  return text.startsWith('-') ? -seconds : seconds
}
