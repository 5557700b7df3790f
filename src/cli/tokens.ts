import { note, print, refused, type Context } from './context.ts'
import { clock, exits } from './io.ts'
import { readPages, type Page, type PageOptions } from './pages.ts'
import { more, paragraphs, table, when, visible, type View } from './text.ts'
import { asCreatedToken, asTokenPage, type TokenAnswer } from './token-answers.ts'

/** `purser tokens list`. */
export async function listTokens(context: Context, account: string, options: PageOptions): Promise<number> {
  const listed = await readPages(context, pathOf(account), [], options, asTokenPage)
  if (!listed.ok) return await refused(context, listed.refusal)
  const now = clock(context.io)
  await print(context, listed.page, (page, view) => renderTokens(page, view, now))
  for (const { id, warnings } of listed.page.items) for (const warning of warnings) note(context, visible(`${id}: ${warning}`))
  return exits.reached
}

export type CreateTokenOptions = {
  readonly scope: readonly string[]
  readonly expiresIn: number
  readonly impersonate?: readonly string[]
}

/** `purser tokens create`: the token alone on standard output, so that it can go where it is kept without being seen. */
export async function createToken(context: Context, account: string, options: CreateTokenOptions): Promise<number> {
  const { scope, expiresIn, impersonate } = options
  return issue(context, account, {
    scopes: scope,
    expiresIn: Math.floor(expiresIn / 1_000),
    ...(impersonate === undefined ? {} : { impersonateTeams: impersonate }),
  })
}

export type RotateOptions = { readonly overlap: number; readonly expiresIn: number }

/** `purser tokens rotate`: a token that may do what the old one may, which goes on for a while. */
export async function rotateToken(context: Context, account: string, id: string, options: RotateOptions): Promise<number> {
  const listed = await readPages(context, pathOf(account), [], { all: true }, asTokenPage)
  if (!listed.ok) return await refused(context, listed.refusal)
  const old = listed.page.items.find((token) => token.id === id)
  if (old === undefined) {
    note(context, `${visible(account)} has no token ${visible(id)}.`)
    return exits.refused
  }
  return issue(context, account, {
    scopes: old.scopes,
    expiresIn: Math.floor(options.expiresIn / 1_000),
    ...(old.impersonateTeams.length === 0 ? {} : { impersonateTeams: old.impersonateTeams }),
    replaces: id,
    overlap: Math.floor(options.overlap / 1_000),
  })
}

async function issue(context: Context, account: string, body: object): Promise<number> {
  // Not again when the connection is lost: then there may be a token that nobody knows, and the list shows it.
  const answer = await context.call({ method: 'POST', path: pathOf(account), body, repeatable: false })
  if (!answer.ok) return await refused(context, answer.refusal)
  const created = asCreatedToken(answer.body)
  await print(context, created, ({ token }) => token)
  if (context.settings.format === 'table')
    note(context, visible(`${created.id}, until ${created.expiresAt ?? 'it is revoked'}. It is shown this once.`))
  for (const warning of created.warnings) note(context, visible(warning))
  return exits.reached
}

/** `purser tokens revoke`. */
export async function revokeToken(context: Context, account: string, id: string): Promise<number> {
  const path = `${pathOf(account)}/${encodeURIComponent(id)}`
  const answer = await context.call({ method: 'DELETE', path, repeatable: true, answer: 'text' })
  if (!answer.ok) return await refused(context, answer.refusal)
  note(context, `${visible(id)} is revoked.`)
  return exits.reached
}

function renderTokens(page: Page<TokenAnswer>, view: View, now: number): string {
  const { items } = page
  if (items.length === 0) return 'No tokens.'
  return paragraphs(
    table(
      [
        { title: 'ID', least: 30, cells: items.map((t) => t.id) },
        { title: 'BEGINS', least: 8, cells: items.map((t) => t.prefix ?? '') },
        { title: 'STATE', least: 8, cells: items.map((t) => stateOf(t, now)) },
        { title: 'USED', least: 5, cells: items.map((t) => (t.lastUsedAt === null ? 'never' : when(t.lastUsedAt, now, view))) },
        { title: 'UNTIL', least: 10, cells: items.map((t) => day(t.expiresAt ?? '', view)) },
        { title: 'MAY', least: 8, cells: items.map((t) => [...t.scopes, ...t.impersonateTeams.map((team) => `as ${team}`)].join(' ')) },
      ],
      view,
    ),
    more(page, view),
  )
}

/** For people the day is enough. */
function day(time: string, view: View): string {
  return Number.isFinite(view.width) ? time.slice(0, 10) : time
}

function stateOf({ revokedAt, expiresAt, replacedBy }: TokenAnswer, now: number): string {
  if (revokedAt !== null) return 'revoked'
  if (expiresAt !== null && Date.parse(expiresAt) <= now) return 'expired'
  return replacedBy === null ? 'good' : 'replaced'
}

function pathOf(account: string): string {
  return `/v1/service-accounts/${encodeURIComponent(account)}/tokens`
}
