/** What was found out about one thing. `warn`: it works, and something that should hold does not. `fail`: it does not work. */
export type Finding = {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** The way out. */
  readonly remedy?: string
}

const order = { ok: 0, warn: 1, fail: 2 } as const

/** One line a finding and one for its way out; what is wrong comes last, where people look, and then the sum of it. */
export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map((f) => f.check.length))
  const indent = ' '.repeat('warn  '.length + width + 2)
  const lines = findings
    .toSorted((a, b) => order[a.status] - order[b.status])
    .flatMap(({ check, status, detail, remedy }) => [
      `${status.padEnd(4)}  ${check.padEnd(width)}  ${detail.replaceAll('\n', `\n${indent}`)}`,
      ...(remedy === undefined ? [] : [`${indent}→ ${remedy}`]),
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
