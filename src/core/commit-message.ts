import type { Action } from './plan.ts'
import { formatMoney } from './money.ts'

export type CommitFacts = {
  readonly id: string
  readonly team: string
  readonly environment: string
  readonly reason: string | null
  readonly changes: readonly { readonly action: Action; readonly blueprint: string; readonly name: string }[]
  readonly requestedBy: string
  /** The bot that asked on behalf; null when nobody is between. */
  readonly via: string | null
  readonly approvedBy: readonly string[]
  readonly planDigest: string
  readonly policyDigest: string
  /** Minor units; a decrease is negative. */
  readonly monthlyDelta: bigint
  readonly currency: string
}

const maxSubject = 72
const maxReason = 4_000

/**
 * The message of a request's commit. Git takes the last paragraph for trailers, and a line there that begins with a space
 * for the continuation of one; so the reason is indented by four and stands in an earlier paragraph: nothing a person
 * types can become a trailer. Values of trailers lose whatever could end their line.
 */
export function commitMessage(facts: CommitFacts): string {
  const paragraphs = [subject(facts)]
  const reason = indent(facts.reason ?? '')
  if (reason !== '') paragraphs.push(reason)
  const trailers: (readonly [string, string])[] = [
    ['Purser-Request', facts.id],
    ['Purser-Requested-By', facts.requestedBy],
    ...(facts.via === null ? [] : [['Purser-Via', facts.via] as const]),
    ...facts.approvedBy.map((person) => ['Purser-Approved-By', person] as const),
    ['Purser-Plan-Digest', facts.planDigest],
    ['Purser-Policy-Digest', facts.policyDigest],
    ['Purser-Monthly-Cost', `${formatMoney(facts.monthlyDelta)} ${facts.currency}`],
  ]
  paragraphs.push(trailers.map(([name, value]) => `${name}: ${oneLine(value)}`).join('\n'))
  return `${paragraphs.join('\n\n')}\n`
}

/** `payments/prod: create postgres orders-db and 2 more`; the names are slugs, so only their length can be a trouble. */
function subject(facts: CommitFacts): string {
  const [first] = facts.changes
  const what = first === undefined ? 'nothing' : `${first.action} ${first.blueprint} ${first.name}`
  const more = facts.changes.length > 1 ? ` and ${facts.changes.length - 1} more` : ''
  const head = `${facts.team}/${facts.environment}: ${what}`
  const room = maxSubject - more.length
  return (head.length > room ? `${head.slice(0, room - 1).trimEnd()}…` : head) + more
}

/** Each line indented; empty lines closed up, so that the reason stays one paragraph. */
function indent(text: string): string {
  const cut = text.length > maxReason ? `${wellFormed(text.slice(0, maxReason))}…` : text
  return cut
    .split(lineBreak)
    .map((line) => line.replace(control, ' ').trim())
    .filter((line) => line !== '')
    .map((line) => `    ${line}`)
    .join('\n')
}

const lineBreak = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/
const control = /\p{Cc}/gu

function oneLine(value: string): string {
  return value.split(lineBreak).join(' ').replace(control, ' ').trim()
}

/** Without half a surrogate pair at the end, where text was cut. */
function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, '')
}
