import type { RequestState } from '../core/request.ts'
import type { RequestAnswer, RequestPage } from './answers.ts'
import { renderProposal } from './render-plan.ts'
import { renderProblem } from './render-problem.ts'
import { field, more, paragraphs, table, when, type Style, type View } from './text.ts'

const styles: { readonly [S in RequestState]: Style } = {
  pending_approval: 'yellow',
  queued: 'cyan',
  committed: 'green',
  ready: 'green',
  denied: 'red',
  rejected: 'red',
  cancelled: 'dim',
  expired: 'dim',
  failed: 'red',
}

export function paintState(state: RequestState, view: View): string {
  return view.paint(styles[state], state)
}

/** One request, whole. */
export function renderRequest(request: RequestAnswer, view: View): string {
  const via = request.requester.via ?? null
  const by = via === null ? request.requester.subject : `${request.requester.subject} through ${via}`
  return paragraphs(
    `${view.paint('bold', request.id)} ${paintState(request.state, view)}`,
    field('For', `${request.team} in ${request.environment}`, view),
    field('By', `${by}, ${request.createdAt}`, view),
    field('Reason', request.reason, view),
    field('Again', request.retryOf, view),
    '',
    renderProposal(request, view),
    ...request.approvals.map((a) => field('Vote', `${a.vote} by ${a.by}, ${a.at}${a.comment ? `: ${a.comment}` : ''}`, view)),
    field('Hold', [request.hold?.kind, request.hold?.reason].filter((word) => typeof word === 'string').join(': '), view),
    field('Commit', request.delivery ? `${request.delivery.commit}, ${request.delivery.committedAt}` : null, view),
    field('Next', request.nextAction, view),
    request.problem ? `\n${renderProblem({ problem: request.problem }, view)}` : null,
  )
}

const signs = { create: '+', update: '~', delete: '-' } as const

/** A page of requests, one a line. */
export function renderRequests(page: RequestPage, view: View, now: number): string {
  const { items } = page
  if (items.length === 0) return 'No requests.'
  // In 80 columns the verbs would cost the names.
  const verb = (action: keyof typeof signs) => (view.width < 100 ? signs[action] : `${action} `)
  const rows = table(
    [
      { title: 'ID', least: 30, cells: items.map((r) => r.id) },
      { title: 'STATE', least: 16, cells: items.map((r) => r.state) },
      { title: 'AGE', least: 4, cells: items.map((r) => when(r.createdAt, now, view)) },
      { title: 'CHANGES', least: 12, cells: items.map((r) => r.changes.map((c) => `${verb(c.action)}${c.resource.name}`).join(', ')) },
      { title: 'WHERE', least: 10, cells: items.map((r) => `${r.team}/${r.environment}`) },
      { title: 'A MONTH', least: 7, cells: items.map((r) => r.cost.monthlyDelta) },
      { title: 'BY', least: 8, cells: items.map((r) => r.requester.subject) },
    ],
    view,
  )
  return paragraphs(rows, more(page, view))
}

/** The line of progress while waiting. */
export function renderProgress(request: RequestAnswer, view: View): string {
  return `${request.id} ${renderStanding(request, view)}`
}

/** The same without the id: where it stands, and what it waits for. */
export function renderStanding(request: RequestAnswer, view: View): string {
  const next = request.hold ? `held: ${request.hold.reason ?? request.hold.kind}` : (request.nextAction ?? null)
  return `${paintState(request.state, view)}${next === null ? '' : ` · ${next.replaceAll('\n', ' ')}`}`
}
