import { note, print, refused, type Context } from './context.ts'
import { clock, exits } from './io.ts'
import { readPages, type PageOptions } from './pages.ts'
import { renderBlueprint, renderBlueprints, renderBudget, renderBudgets, renderDocuments, renderLedger } from './render-things.ts'
import { hang, visible, type View } from './text.ts'
import { asDocument, asDocumentPage, asLedgerPage, type DocumentAnswer } from './things.ts'

/** Kinds of documents, as they are typed: in the singular or plural, or short. */
const kinds: Readonly<Record<string, string>> = {
  environment: 'environments',
  env: 'environments',
  team: 'teams',
  blueprint: 'blueprints',
  policy: 'policies',
  budget: 'budgets',
  service: 'services',
  trust: 'trusts',
}

/** `purser get`: documents of a kind, or one of them as it is in force. */
export async function get(context: Context, kind: string, name: string | undefined, options: PageOptions): Promise<number> {
  const word = kind.toLowerCase()
  const plural = kinds[word] ?? Object.values(kinds).find((path) => path === word)
  if (plural === undefined) {
    const known = [...new Set(Object.values(kinds))].join(', ')
    note(context, hang('', `There are no documents of kind ${visible(kind)}; there are ${known}.`, context.errorView))
    return exits.usage
  }
  if (name === undefined) return await listDocuments(context, plural, options, renderDocuments)
  // A document is YAML; there is no better table of one.
  const shown = context.settings.format === 'table' ? { ...context, settings: { ...context.settings, format: 'yaml' as const } } : context
  return await showDocument(shown, plural, name, () => '')
}

/** `purser blueprints`: what may be asked for, or the parameters of one. */
export async function blueprints(context: Context, name: string | undefined, options: PageOptions): Promise<number> {
  if (name === undefined) return await listDocuments(context, 'blueprints', options, renderBlueprints)
  return await showDocument(context, 'blueprints', name, renderBlueprint)
}

export type BudgetsOptions = PageOptions & { readonly ledger?: boolean }

/** `purser budgets`: what is left, of all, of one, or how that came to be. */
export async function budgets(context: Context, name: string | undefined, options: BudgetsOptions): Promise<number> {
  if (name === undefined) {
    if (options.ledger === true) {
      note(context, '--ledger takes the name of a budget')
      return exits.usage
    }
    return await listDocuments(context, 'budgets', options, renderBudgets)
  }
  if (options.ledger !== true) return await showDocument(context, 'budgets', name, renderBudget)
  const listed = await readPages(context, `/v1/budgets/${encodeURIComponent(name)}/ledger`, [], options, asLedgerPage)
  if (!listed.ok) return await refused(context, listed.refusal)
  const now = clock(context.io)
  await print(context, listed.page, (page, view) => renderLedger(page, view, now))
  return exits.reached
}

type DocumentPage = ReturnType<typeof asDocumentPage>

async function listDocuments(
  context: Context,
  plural: string,
  options: PageOptions,
  render: (page: DocumentPage, view: View, now: number) => string,
): Promise<number> {
  const listed = await readPages(context, `/v1/${plural}`, [], options, asDocumentPage)
  if (!listed.ok) return await refused(context, listed.refusal)
  const now = clock(context.io)
  await print(context, listed.page, (page, view) => render(page, view, now))
  return exits.reached
}

async function showDocument(
  context: Context,
  plural: string,
  name: string,
  render: (document: DocumentAnswer, view: View) => string,
): Promise<number> {
  const answer = await context.call({ method: 'GET', path: `/v1/${plural}/${encodeURIComponent(name)}`, repeatable: true })
  if (!answer.ok) return await refused(context, answer.refusal)
  await print(context, asDocument(answer.body), render)
  return exits.reached
}
