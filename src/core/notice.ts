import type { JsonObject } from './json.ts'
import { formatAmount, type Measure } from './money.ts'
import { requestMessage } from './present-request.ts'
import type { BudgetView, RequestRecord } from './request-record.ts'
import type { RequestState } from './request.ts'

/**
 * What a team's chat is told, in the markdown that Slack's and Mattermost's incoming webhooks both render: text, `code` and
 * lines. Whatever people, hooks of repositories or documents wrote goes through `inert` and can be read, and nothing else.
 */

/** What a notice is about. */
export type NoticeKind = 'waiting' | 'committed' | 'failed' | 'rejected' | 'expired' | 'budget'

const maxReason = 300
const maxMessage = 1_500

/** In which states of its request a notice is still news; of a request that moved on, the later notice says so. */
const news: Readonly<Record<Exclude<NoticeKind, 'budget'>, readonly RequestState[]>> = {
  waiting: ['pending_approval'],
  committed: ['committed', 'ready'],
  failed: ['failed'],
  rejected: ['rejected'],
  expired: ['expired'],
}

/** The notice of a request as it is now, for a chat of this team; null: it has moved on. */
export function requestNotice(kind: Exclude<NoticeKind, 'budget'>, record: RequestRecord, view: BudgetView): string | null {
  if (!news[kind].includes(record.state)) return null
  // The news is the commit, also where the notice leaves after the cluster has said more.
  const message = requestMessage(kind === 'committed' ? { ...record, state: 'committed' } : record, view)
  const { subject, via } = record.requester
  const reason = inert(record.reason, maxReason)
  const comment = kind === 'rejected' ? record.approvals.find((a) => a.vote === 'reject')?.comment : null
  return [
    inert(message, maxMessage),
    ...(comment === null || comment === undefined ? [] : [`They say: ${inert(comment, maxReason)}`]),
    `Asked by ${inert(subject, 300)}${via === null ? '' : ` via ${inert(via, 300)}`}${reason === '' ? '' : `: ${reason}`}`,
    // Who approves names the plan that they have seen.
    kind === 'waiting' ? `Request \`${record.id}\`, plan \`${record.body.plan.digest}\`` : `Request \`${record.id}\``,
  ].join('\n')
}

/** The notice of a budget that reached one of its `alertAt`, from the event's data. */
export function budgetNotice(name: string, data: JsonObject, currency: string): string {
  const measure: Measure = data['measure'] === 'count' ? 'count' : 'cost'
  // Whole numbers of JSON, as `alert_budget` wrote them.
  const amount = (value: unknown) => formatAmount(BigInt(Math.trunc(Number(value))), measure)
  const unit = measure === 'cost' ? ` ${currency} a month` : ''
  return `Budget ${inert(name, 100)} has reached ${Number(data['percent'])} %: ${amount(data['used'])} of ${amount(data['limit'])}${unit} are committed or reserved.`
}

/** An invisible character that takes no room: what it stands in is read as before, and is no mention or link any more. */
const gap = '\u200b'

/**
 * Somebody's text as one line that only says something: no mention (`<!channel>`, `@all`), no link or picture, be it Slack's,
 * markdown's or an address by itself, no code, no escape from the line, nothing that turns the direction of reading.
 */
export function inert(text: string, most: number): string {
  const line = text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\p{Cf}\p{Cs}\p{Co}]/gu, '')
    .trim()
  const cut = line.length > most ? `${line.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…` : line
  return (
    cut
      .replaceAll('`', "'")
      .replaceAll('](', `]${gap}(`)
      .replace(/:(?=\/\/)/g, `:${gap}`)
      .replace(/(www|mailto)(?=[.:])/gi, `$1${gap}`)
      // After a letter it is part of an e-mail address.
      .replace(/(?<![0-9A-Za-z])@/g, `@${gap}`)
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
  )
}
