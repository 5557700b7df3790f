import { isObject, setOwn } from '../core/json.ts'

/** How to draw: pure renderers take it, so that a snapshot at 80 columns without colour is a test. */
export type View = { readonly paint: Paint; readonly width: number }

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
export type Paint = (style: Style, text: string) => string

const codes: { readonly [S in Style]: readonly [number, number] } = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
}

/** ANSI colours, or nothing at all. */
export function painter(colour: boolean): Paint {
  if (!colour) return (_, text) => text
  return (style, text) => (text === '' ? '' : `\x1b[${codes[style][0]}m${text}\x1b[${codes[style][1]}m`)
}

/**
 * Control characters other than tab and newline, and the marks that reorder or hide text. Whoever asks writes reasons,
 * parameters and file contents that an approver reads in a terminal: without this they could move the cursor and
 * overwrite what is shown.
 */
const hidden = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A value from outside with every such character in every string replaced by its visible escape. */
export function visible<T>(value: T): T {
  return visibleUnknown(value) as T // The same shape: only characters inside strings change.
}

function visibleUnknown(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(hidden, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`)
  if (Array.isArray(value)) return value.map(visibleUnknown)
  if (!isObject(value)) return value
  const shown: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) setOwn(shown, String(visibleUnknown(key)), visibleUnknown(member))
  return shown
}

/** Words of a text in lines of at most `width`; a longer word stays whole, so that it can be copied. */
export function wrap(text: string, width: number): readonly string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = []
    let line = ''
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line)
        line = word
      } else {
        line = line === '' ? word : `${line} ${word}`
      }
    }
    return [...lines, line]
  })
}

/** Wrapped text whose first line follows `lead` and whose others are indented below it: no newline in a value can pass for a line of ours. */
export function hang(lead: string, text: string, view: View): string {
  const indent = ' '.repeat(lead.length)
  return wrap(text, Math.max(view.width - lead.length, 20))
    .map((line, i) => (i === 0 ? lead : indent) + line)
    .join('\n')
}

/** Wide enough for every label; with it a digest of 71 characters ends at column 80. */
const LABEL_WIDTH = 9

/** `Label    value`, the label dimmed; null when there is nothing to say. */
export function field(label: string, text: string | null | undefined, view: View): string | null {
  if (text === null || text === undefined || text === '') return null
  const lead = label.padEnd(LABEL_WIDTH)
  return view.paint('dim', lead) + hang(lead, text, view).slice(lead.length)
}

export function paragraphs(...lines: readonly (string | null)[]): string {
  return lines.filter((line) => line !== null).join('\n')
}

/** `least` is how narrow a column may become; columns that do not fit even so are left out, last first. */
export type Column = { readonly title: string; readonly least: number; readonly cells: readonly string[] }

const GAP = 2

/** A table that fits the width: columns give way from the right, cut with `…`, and newlines become spaces. */
export function table(columns: readonly Column[], view: View): string {
  const flat = columns.map((c) => ({ ...c, cells: c.cells.map((cell) => cell.replaceAll('\n', ' ')) }))
  const natural = flat.map((c) => Math.max(c.title.length, ...c.cells.map((cell) => cell.length)))
  const least = flat.map((c, i) => Math.min(c.least, natural[i] ?? 0))
  let shown = flat.length
  while (shown > 1 && total(least.slice(0, shown)) > view.width) shown -= 1
  const widths = natural.slice(0, shown)
  for (let i = shown - 1; i >= 0 && total(widths) > view.width; i -= 1) {
    widths[i] = Math.max(least[i] ?? 0, (widths[i] ?? 0) - (total(widths) - view.width))
  }
  const row = (cells: readonly string[]) =>
    widths
      .map((width, i) => cut(cells[i] ?? '', width).padEnd(width))
      .join(' '.repeat(GAP))
      .trimEnd()
  const rows = (flat[0]?.cells ?? []).map((_, r) => row(flat.map((c) => c.cells[r] ?? '')))
  return [view.paint('dim', row(flat.map((c) => c.title))), ...rows].join('\n')
}

/** How long ago, in at most four characters: `5s`, `12m`, `3h`, `40d`. */
export function age(time: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(time)) / 1000))
  if (!Number.isFinite(seconds)) return '?'
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

/** A time in a list: for people how long ago, for a script the time itself. */
export function when(time: string, now: number, view: View): string {
  return Number.isFinite(view.width) ? age(time, now) : time
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1)
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}

/** The line below a list that goes on. */
export function more(page: { readonly pageInfo: { readonly hasNextPage: boolean } }, view: View): string | null {
  return page.pageInfo.hasNextPage ? view.paint('dim', 'There are more: --all shows them, --first N more of them.') : null
}
