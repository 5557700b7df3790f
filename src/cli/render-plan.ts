import { isObject, type Json, type JsonObject } from '../core/json.ts'
import type { ApprovalNeed, ChangeAnswer, FileAnswer, Proposal } from './answers.ts'
import { describeBudget, renderProblem } from './render-problem.ts'
import { parseScalar } from './short-form.ts'
import { field, hang, paragraphs, type Style, type View } from './text.ts'

const verdicts: { readonly [O in Proposal['decision']['outcome']]: readonly [Style, string] } = {
  allowed: ['green', 'allowed'],
  requires_approval: ['yellow', 'needs approval'],
  denied: ['red', 'denied'],
}

/** A plan for a terminal; files' contents only where asked for. */
export function renderPlan(plan: Proposal, contents: boolean, view: View): string {
  const [style, verdict] = verdicts[plan.decision.outcome]
  const where = plan.team === undefined || plan.environment === undefined ? '' : ` for ${plan.team} in ${plan.environment}`
  return paragraphs(
    `${view.paint('bold', `Plan${where}:`)} ${view.paint(style, verdict)}`,
    '',
    renderProposal(plan, view),
    contents ? `\n${renderContents(plan.plan.files, view)}` : null,
    plan.problem ? `\n${renderProblem({ problem: plan.problem }, view)}` : null,
  )
}

/** Changes, money, decision, files and digest: what a plan and a request have in common. */
export function renderProposal(proposal: Proposal, view: View): string {
  const { decision } = proposal
  return paragraphs(
    ...proposal.changes.map((change) => renderChange(change, view)),
    '',
    field('Cost', `${signed(proposal.cost.monthlyDelta)} ${proposal.cost.currency} a month`, view),
    ...proposal.budgets.map((budget) => field('Budget', describeBudget(budget), view)),
    ...decision.applied.map((rule) => field('Set', `${assignments(rule.set)} (${rule.policy}/${rule.rule})`, view)),
    ...decision.warnings.map((w) => field('Warning', `${w.message} (${w.policy}/${w.rule})`, view)),
    ...decision.approvals.map((need) => field('Approval', describeNeed(need), view)),
    ...renderFiles(proposal, view),
    field('Plan', proposal.plan.digest, view),
  )
}

const actionStyles: { readonly [A in ChangeAnswer['action']]: Style } = { create: 'green', update: 'yellow', delete: 'red' }

function renderChange(change: ChangeAnswer, view: View): string {
  const money = `${change.cost.before} → ${change.cost.after} ${change.cost.currency} a month`
  const blueprint = `${change.blueprint.name}@${change.blueprint.version}`
  const ttl = change.ttl ? `, for ${change.ttl}` : ''
  const parameters = change.parameters ? flatten(change.parameters) : ''
  return paragraphs(
    `  ${view.paint(actionStyles[change.action], change.action)} ${view.paint('bold', change.resource.name)} (${blueprint}${ttl}) ${money}`,
    parameters === '' ? null : hang('    ', parameters, view),
  )
}

/** What a `set` rule set: its keys are paths already. */
function assignments(set: JsonObject): string {
  return Object.entries(set)
    .map(([path, value]) => `${path}=${scalar(value)}`)
    .join(' ')
}

function flatten(parameters: JsonObject): string {
  return pairs(parameters).join(' ')
}

/** `{a: {b: 1}}` → `a.b=1`: what one would type to ask for it. */
export function pairs(object: JsonObject, prefix = ''): readonly string[] {
  return Object.entries(object).flatMap(([key, value]) => {
    const path = prefix + key.replaceAll('.', '\\.')
    return isObject(value) && Object.keys(value).length > 0 ? pairs(value as JsonObject, `${path}.`) : [`${path}=${scalar(value)}`]
  })
}

function scalar(value: Json): string {
  if (typeof value !== 'string' || value === '' || /\s/.test(value)) return JSON.stringify(value)
  const read = parseScalar(value)
  return read.ok && read.value === value ? value : JSON.stringify(value)
}

function signed(amount: string): string {
  return amount.startsWith('-') || /^0(?:\.0+)?$/.test(amount) ? amount : `+${amount}`
}

function describeNeed(need: ApprovalNeed): string {
  const article = /^[aeiou]/.test(need.approvers.role) ? 'an' : 'a'
  const rule = need.policy === undefined || need.policy === null ? need.source : `${need.policy}/${need.rule ?? ''}`
  return `${need.given} of ${need.required} by ${article} ${need.approvers.role} of team ${need.approvers.team} (${rule})`
}

const marks: { readonly [O in FileAnswer['operation']]: readonly [Style, string] } = {
  create: ['green', '+'],
  update: ['yellow', '~'],
  delete: ['red', '-'],
}

function renderFiles(proposal: Proposal, view: View): readonly string[] {
  const { files, repository, branch } = proposal.plan
  if (files.length === 0) return [field('Files', 'none: nothing would change', view) ?? '']
  const lines = files.map(
    (file) => `  ${view.paint(marks[file.operation][0], marks[file.operation][1])} ${file.path.replaceAll('\n', ' ')}`,
  )
  return [field('Files', `on branch ${branch} of ${repository}`, view) ?? '', ...lines]
}

function renderContents(files: readonly FileAnswer[], view: View): string {
  return files
    .map((file) => paragraphs(view.paint('bold', `# ${file.path.replaceAll('\n', ' ')}`), file.content ?? `# (${file.operation})`))
    .join('\n---\n')
}

/** A unified diff in colour. */
export function renderDiff(diff: string, view: View): string {
  return diff
    .split('\n')
    .map((line) => {
      if (line.startsWith('+++') || line.startsWith('---') || line.startsWith('diff ')) return view.paint('bold', line)
      if (line.startsWith('@@')) return view.paint('cyan', line)
      if (line.startsWith('+')) return view.paint('green', line)
      return line.startsWith('-') ? view.paint('red', line) : line
    })
    .join('\n')
}
