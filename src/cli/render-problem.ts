import { isObject } from '../core/json.ts'
import type { BudgetAnswer } from './answers.ts'
import type { CredentialSource } from './credential.ts'
import { hang, paragraphs, type View } from './text.ts'

/** A problem document, the correlation id of its answer, and how to say where a pointer points. */
export type Shown = {
  readonly problem: Readonly<Record<string, unknown>>
  readonly correlationId?: string | null
  readonly locate?: (pointer: string) => string
  /** What it was asked with. */
  readonly from?: CredentialSource
}

/**
 * A refusal for people: what, why, and the way out. The reasons that have members of their own are listed one by one;
 * only where there are none does `detail` speak.
 */
export function renderProblem(shown: Shown, view: View): string {
  const { problem } = shown
  const reasons = [...violations(problem, view), ...budgets(problem, view), ...errors(shown, view)]
  const detail = text(problem.detail)
  const ways = wayOut(shown)
  return paragraphs(
    `${view.paint('red', text(problem.title) ?? 'Refused')} ${view.paint('dim', `(${text(problem.code) ?? 'unknown'})`)}`,
    ...(reasons.length > 0 ? reasons : [detail === null ? null : hang('  ', detail, view)]),
    ...ways.map((way) => hang('  → ', way, view)),
    serverFault(problem.status) && typeof shown.correlationId === 'string' ? `  X-Request-Id: ${shown.correlationId}` : null,
  )
}

function violations(problem: Shown['problem'], view: View): readonly string[] {
  return objects(problem.violations).map((v) => {
    const remedy = text(v.remedy)
    return paragraphs(
      hang('  ', `${text(v.policy)}/${text(v.rule)}: ${text(v.message)}`, view),
      remedy === null ? null : hang('    → ', remedy, view),
    )
  })
}

function budgets(problem: Shown['problem'], view: View): readonly string[] {
  return objects(problem.budgets).map((b) => {
    const name = text(b.name) ?? ''
    const [limit, committed, reserved, requested] = [b.limit, b.committed, b.reserved, b.requested].map(text)
    const shortfall = text(b.shortfall) ?? 'something'
    if (limit === null || requested === null) return hang('  ', `Budget ${describeBudget({ name, fits: false, shortfall })}`, view)
    const unit = b.measure === 'count' ? '' : ' a month'
    return hang(
      '  ',
      `Budget ${name}: limit ${limit}, committed ${committed}, reserved ${reserved}; this asks for ${requested}, which is ${shortfall}${unit} too much`,
      view,
    )
  })
}

/** A budget in one line; of one that the caller may not see only whether it is short, and by how much. */
export function describeBudget(budget: BudgetAnswer): string {
  const unit = budget.measure === 'count' ? ' resources' : ''
  if (budget.remaining !== undefined && budget.limit !== undefined) {
    return `${budget.name}: ${budget.remaining} of ${budget.limit}${unit} left${budget.fits === false ? ', too little' : ''}`
  }
  if (budget.fits === true) return `${budget.name}: fits`
  if (budget.fits === false || budget.shortfall !== undefined) return `${budget.name}: ${budget.shortfall ?? 'something'}${unit} short`
  return `${budget.name}: fits`
}

function errors(shown: Shown, view: View): readonly string[] {
  const locate = shown.locate ?? ((pointer: string) => pointer)
  return objects(shown.problem.errors).map((e) => {
    const place = locate(text(e.pointer) ?? '')
    const frame = text(e.frame)
    return paragraphs(
      hang('  ', `${place === '' ? 'the body' : place}: ${text(e.detail)}`, view),
      frame === null
        ? null
        : frame
            .split('\n')
            .map((line) => `      ${line}`)
            .join('\n'),
    )
  })
}

/** What the caller can do, as far as the problem's own words do not say it already. */
function wayOut(shown: Shown): readonly string[] {
  const { problem } = shown
  const recorded = text(problem.requestId)
  const ways: string[] = []
  if (objects(problem.budgets).length > 0)
    ways.push('Ask the owner of the budget for a higher limit, or make room by shrinking or deleting something')
  if (text(problem.needs) !== null) ways.push(`Needs: ${text(problem.needs)}`)
  switch (problem.code) {
    case 'unauthenticated':
      ways.push(otherCredential[shown.from ?? 'nothing'])
      break
    case 'not-found':
      ways.push('It does not exist, or you may not see it: check the name, and who you are (--as)')
      break
    case 'resource-busy':
      if (recorded !== null) ways.push(`purser requests ${recorded}`)
      break
    case 'policy-denied':
    case 'budget-exceeded':
      if (recorded !== null) ways.push(`Recorded as ${recorded}: purser requests ${recorded}`)
      break
    case 'internal':
      ways.push('Give the id below to whoever runs this server')
      break
    default: // The open set of a server's codes: what has no hint here has said all in its detail.
  }
  return ways
}

/** What to do about a token that is not taken. */
const otherCredential: { readonly [S in CredentialSource]: string } = {
  nothing:
    'No token was sent. Sign in: purser login. Set PURSER_TOKEN where nobody can, or run where $PURSER_DATA/admin-token of the local server can be read',
  PURSER_TOKEN: 'Check the token in PURSER_TOKEN; without it, purser login signs you in',
  installation: 'Check the token in $PURSER_DATA/admin-token; or sign in: purser login',
  'sign-in': 'Sign in again: purser login',
  job: 'Look whether a Trust of the server lets this job in',
}

function serverFault(status: unknown): boolean {
  return typeof status === 'number' && status >= 500
}

function objects(value: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
