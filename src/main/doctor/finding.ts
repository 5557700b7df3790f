import { wrap } from '../../cli/text.ts'

/** What was found out about one thing. `warn`: it works, and something that should hold does not. `fail`: it does not work. */
export type Finding = {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** The way out. */
  readonly remedy?: string
}

const order = { ok: 0, warn: 1, fail: 2 } as const

/**
 * A line a finding and one for its way out, wrapped to `columns` where there are any; what is wrong comes last, where people
 * look, and then the sum of it.
 */
export function renderFindings(findings: readonly Finding[], columns = Infinity): string {
  const width = Math.max(...findings.map((f) => f.check.length))
  const indent = ' '.repeat('warn  '.length + width + 2)
  const below = (lead: string, text: string) => lead + wrap(text, Math.max(columns - lead.length, 20)).join(`\n${' '.repeat(lead.length)}`)
  const lines = findings
    .toSorted((a, b) => order[a.status] - order[b.status])
    .flatMap(({ check, status, detail, remedy }) => [
      below(`${status.padEnd(4)}  ${check.padEnd(width)}  `, detail),
      ...(remedy === undefined ? [] : [below(`${indent}→ `, remedy)]),
    ])
  return `${lines.join('\n')}\n\n${summary(findings)}\n`
}

function summary(findings: readonly Finding[]): string {
  const count = (status: Finding['status']) => findings.filter((f) => f.status === status).length
  const [failed, warned] = [count('fail'), count('warn')]
  if (failed + warned === 0) return 'All is well.'
  if (failed === 0) return `All works; ${warned} to look at.`
  return `${failed} of ${findings.length} ${failed === 1 ? 'does' : 'do'} not work${warned === 0 ? '' : `; ${warned} more to look at`}.`
}

/** What an error says, in one line. */
export function words(error: unknown): string {
  // One for each address that was tried, with no words of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(words).join('; ')
  return error instanceof Error ? error.message : String(error)
}
