/** The line at an offset, cut to what fits a terminal, with a caret below. */
export function codeFrame(source: string, offset: number): string {
  const at = Math.min(offset, source.length)
  const start = source.lastIndexOf('\n', at - 1) + 1
  const end = source.indexOf('\n', at)
  const line = source.slice(start, end === -1 ? source.length : end).replaceAll(/[\t\r]/g, ' ')
  const from = Math.max(0, at - start - 60)
  const shown = line.slice(from, from + 120)
  return `${from > 0 ? '…' : ''}${shown}\n${' '.repeat(at - start - from + (from > 0 ? 1 : 0))}^`
}
