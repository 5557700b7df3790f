import { note, print, refused, type Context } from './context.ts'
import { clock, exits } from './io.ts'
import { readPages, type Page, type PageOptions } from './pages.ts'
import { field, more, paragraphs, table, when, visible, type View } from './text.ts'
import { asAccount, asAccountPage, type ServiceAccountAnswer } from './token-answers.ts'

const path = '/v1/service-accounts'

export type ServiceAccountsOptions = PageOptions & { readonly team?: string }

/** `purser service-accounts list`. */
export async function listServiceAccounts(context: Context, options: ServiceAccountsOptions): Promise<number> {
  const listed = await readPages(context, path, [['team', options.team]], options, asAccountPage)
  if (!listed.ok) return await refused(context, listed.refusal)
  await print(context, listed.page, (page, view) => renderServiceAccounts(page, view, clock(context.io)))
  return exits.reached
}

export type CreateAccountOptions = { readonly team: string; readonly description?: string }

/** `purser service-accounts create`. */
export async function createServiceAccount(context: Context, name: string, options: CreateAccountOptions): Promise<number> {
  const { team, description } = options
  const answer = await context.call({
    method: 'POST',
    path,
    body: { name, team, ...(description === undefined ? {} : { description }) },
    repeatable: false, // Again, its name would be taken.
  })
  if (!answer.ok) return await refused(context, answer.refusal)
  await print(context, asAccount(answer.body), renderServiceAccount)
  return exits.reached
}

/** `purser service-accounts delete`: with its tokens. */
export async function deleteServiceAccount(context: Context, name: string): Promise<number> {
  const answer = await context.call({ method: 'DELETE', path: `${path}/${encodeURIComponent(name)}`, repeatable: false, answer: 'text' })
  if (!answer.ok) return await refused(context, answer.refusal)
  note(context, `${visible(name)} is out of use, and so are its tokens.`)
  return exits.reached
}

function renderServiceAccounts(page: Page<ServiceAccountAnswer>, view: View, now: number): string {
  const { items } = page
  if (items.length === 0) return 'No service accounts.'
  return paragraphs(
    table(
      [
        { title: 'NAME', least: 16, cells: items.map((a) => a.name) },
        { title: 'TEAM', least: 12, cells: items.map((a) => a.team) },
        { title: 'AGE', least: 4, cells: items.map((a) => when(a.createdAt, now, view)) },
        { title: 'BY', least: 8, cells: items.map((a) => a.createdBy) },
        { title: 'FOR', least: 12, cells: items.map((a) => a.description) },
      ],
      view,
    ),
    more(page, view),
  )
}

function renderServiceAccount(account: ServiceAccountAnswer, view: View): string {
  return paragraphs(
    view.paint('bold', account.name),
    field('Team', account.team, view),
    field('For', account.description, view),
    field('Next', `purser tokens create ${account.name} --scope read --scope requests:write`, view),
  )
}
