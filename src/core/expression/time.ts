import { EvaluationError } from './evaluation-error.ts'

/**
 * Time as the decision's input has it. cel-js reads timestamps without a zone, and every getter with one, through the
 * zone of the process; the same decision would differ from machine to machine.
 */
const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/

/** `timestamp("2026-01-31T10:00:00Z")`: RFC 3339, zone required. */
export function timestampOfText(text: string): Date {
  const date = rfc3339.test(text) ? new Date(text.replace(/(\.\d{3})\d+/, '$1')) : null
  if (date === null || Number.isNaN(date.getTime()))
    throw new EvaluationError(`${JSON.stringify(text.slice(0, 40))} is no RFC 3339 time such as 2026-01-31T10:00:00Z`)
  return date
}

/** The names of CEL's getters that take a zone, each from that zone's calendar. Months, days of month and of year count from 0, Sunday is 0. */
export const zonedGetters: { readonly [name: string]: (date: Date, zone: string) => bigint } = {
  getFullYear: (date, zone) => BigInt(inZone(date, zone).getUTCFullYear()),
  getMonth: (date, zone) => BigInt(inZone(date, zone).getUTCMonth()),
  getDate: (date, zone) => BigInt(inZone(date, zone).getUTCDate()),
  getDayOfMonth: (date, zone) => BigInt(inZone(date, zone).getUTCDate() - 1),
  getDayOfWeek: (date, zone) => BigInt(inZone(date, zone).getUTCDay()),
  getDayOfYear: (date, zone) => dayOfYear(inZone(date, zone)),
  getHours: (date, zone) => BigInt(inZone(date, zone).getUTCHours()),
  getMinutes: (date, zone) => BigInt(inZone(date, zone).getUTCMinutes()),
  getSeconds: (date, zone) => BigInt(inZone(date, zone).getUTCSeconds()),
  getMilliseconds: (date) => BigInt(date.getUTCMilliseconds()),
}

export function dayOfYear(date: Date): bigint {
  return BigInt(Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000))
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** A date whose UTC fields are what a clock in the zone shows. */
function inZone(date: Date, zone: string): Date {
  const part = new Map(
    formatFor(zone)
      .formatToParts(date)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const of = (type: Intl.DateTimeFormatPartTypes) => part.get(type) ?? 0
  return new Date(Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second')))
}

function formatFor(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    throw new EvaluationError(`${JSON.stringify(zone.slice(0, 40))} is no time zone`)
  }
  if (formats.size < 100) formats.set(zone, format)
  return format
}
