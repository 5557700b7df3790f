import { isObject, type Json, type JsonObject } from '../core/json.ts'
import type { Page } from './pages.ts'
import { pairs } from './render-plan.ts'
import { field, more, paragraphs, table, when, type View } from './text.ts'
import type { DocumentAnswer, HistoryAnswer, LedgerEntry, ResourceAnswer } from './things.ts'

/** A page of resources, one a line. */
export function renderResources(page: Page<ResourceAnswer>, view: View, now: number): string {
  const { items } = page
  if (items.length === 0) return 'No resources.'
  return paragraphs(
    table(
      [
        { title: 'NAME', least: 16, cells: items.map((r) => r.name) },
        { title: 'WHERE', least: 12, cells: items.map((r) => `${r.team}/${r.environment}`) },
        { title: 'BLUEPRINT', least: 10, cells: items.map((r) => `${r.blueprint.name}@${r.blueprint.version}`) },
        { title: 'STATUS', least: 7, cells: items.map((r) => r.status) },
        { title: 'A MONTH', least: 7, cells: items.map((r) => r.cost.monthly) },
        { title: 'AGE', least: 4, cells: items.map((r) => when(r.createdAt, now, view)) },
        { title: 'ID', least: 30, cells: items.map((r) => r.id) },
      ],
      view,
    ),
    more(page, view),
  )
}

/** One resource, and what was asked about it lately. */
export function renderResource(r: ResourceAnswer, history: Page<HistoryAnswer>, view: View, now: number): string {
  const { items } = history
  return paragraphs(
    `${view.paint('bold', r.name)} ${r.status}`,
    field('Where', `${r.team}/${r.environment}`, view),
    field('What', `${r.blueprint.name}@${r.blueprint.version}${r.ttl ? `, for ${r.ttl}` : ''}`, view),
    field('With', pairs(r.parameters).join(' '), view),
    field('Cost', `${r.cost.monthly} ${r.cost.currency} a month`, view),
    field('Id', r.id, view),
    field('Files', r.files.length === 0 ? 'none' : String(r.files.length), view),
    ...r.files.map((file) => `  ${file.path}`),
    '',
    table(
      [
        { title: 'REQUEST', least: 30, cells: items.map((h) => h.request) },
        { title: 'ACTION', least: 6, cells: items.map((h) => h.action) },
        { title: 'STATE', least: 9, cells: items.map((h) => h.state) },
        { title: 'AGE', least: 4, cells: items.map((h) => when(h.createdAt, now, view)) },
        { title: 'BY', least: 8, cells: items.map((h) => h.requester) },
      ],
      view,
    ),
  )
}

/** A page of documents of any kind. */
export function renderDocuments(page: Page<DocumentAnswer>, view: View, now: number): string {
  const { items } = page
  if (items.length === 0) return 'None.'
  return paragraphs(
    table(
      [
        { title: 'NAME', least: 16, cells: items.map((d) => d.metadata.name) },
        { title: 'REVISION', least: 8, cells: items.map((d) => String(d.metadata.revision)) },
        { title: 'CHANGED', least: 7, cells: items.map((d) => when(d.metadata.updatedAt, now, view)) },
        { title: 'TITLE', least: 12, cells: items.map(title) },
      ],
      view,
    ),
    more(page, view),
  )
}

function title(document: DocumentAnswer): string {
  return document.metadata.title ?? document.metadata.description ?? ''
}

/** What is left of each budget. */
export function renderBudgets(page: Page<DocumentAnswer>, view: View): string {
  const { items } = page
  if (items.length === 0) return 'No budgets that you may see.'
  return paragraphs(
    table(
      [
        { title: 'NAME', least: 16, cells: items.map((d) => d.metadata.name) },
        { title: 'LIMIT', least: 7, cells: items.map((d) => d.status?.limit ?? '') },
        { title: 'COMMITTED', least: 9, cells: items.map((d) => d.status?.committed ?? '') },
        { title: 'RESERVED', least: 8, cells: items.map((d) => d.status?.reserved ?? '') },
        { title: 'LEFT', least: 7, cells: items.map((d) => d.status?.remaining ?? '') },
        { title: 'OF', least: 8, cells: items.map(scope) },
      ],
      view,
    ),
    more(page, view),
  )
}

export function renderBudget(budget: DocumentAnswer, view: View): string {
  const { status } = budget
  return paragraphs(
    `${view.paint('bold', budget.metadata.name)} ${title(budget)}`.trimEnd(),
    field('Of', scope(budget), view),
    field('Limit', status?.limit, view),
    field('Spent', status?.committed, view),
    field('Reserved', status?.reserved, view),
    field('Left', status?.remaining, view),
  )
}

function scope({ spec }: DocumentAnswer): string {
  const over = isObject(spec['scope']) ? spec['scope'] : {}
  const parts = [over['team'], over['environment']].filter((part) => typeof part === 'string')
  return parts.length === 0 ? 'everything' : parts.join('/')
}

export function renderLedger(page: Page<LedgerEntry>, view: View, now: number): string {
  const { items } = page
  if (items.length === 0) return 'Nothing was asked of it yet.'
  return paragraphs(
    table(
      [
        { title: 'KIND', least: 8, cells: items.map((e) => e.kind) },
        { title: 'AMOUNT', least: 10, cells: items.map((e) => e.amount) },
        { title: 'AGE', least: 4, cells: items.map((e) => when(e.at, now, view)) },
        { title: 'REQUEST', least: 30, cells: items.map((e) => e.request ?? '') },
      ],
      view,
    ),
    more(page, view),
  )
}

/** What may be asked for. */
export function renderBlueprints(page: Page<DocumentAnswer>, view: View): string {
  const { items } = page
  if (items.length === 0) return 'No blueprints.'
  return paragraphs(
    table(
      [
        { title: 'NAME', least: 16, cells: items.map((d) => d.metadata.name) },
        { title: 'VERSION', least: 7, cells: items.map((d) => text(d.spec['version'])) },
        { title: 'PRICE', least: 6, cells: items.map((d) => (d.spec['price'] === 'free' ? 'free' : 'priced')) },
        { title: 'TITLE', least: 12, cells: items.map(title) },
      ],
      view,
    ),
    more(page, view),
  )
}

/** A blueprint as who asks for it needs it: its parameters, and how to ask. */
export function renderBlueprint(blueprint: DocumentAnswer, view: View): string {
  const { metadata, spec } = blueprint
  const parameters = parametersOf(spec)
  const price = isObject(spec['price']) ? `${text(spec['price']['monthly'])} a month` : text(spec['price'])
  return paragraphs(
    `${view.paint('bold', `${metadata.name}@${text(spec['version'])}`)} ${metadata.title ?? ''}`.trimEnd(),
    field('About', metadata.description, view),
    field('Price', price, view),
    '',
    parameters.length === 0
      ? 'It takes no parameters.'
      : table(
          [
            { title: 'PARAMETER', least: 16, cells: parameters.map((p) => (p.required ? `${p.name} *` : p.name)) },
            { title: 'TYPE', least: 12, cells: parameters.map((p) => p.type) },
            { title: 'DEFAULT', least: 7, cells: parameters.map((p) => p.byDefault ?? '') },
            { title: 'ABOUT', least: 12, cells: parameters.map((p) => p.about) },
          ],
          view,
        ),
    parameters.some((p) => p.required) ? view.paint('dim', '* must be given') : null,
    '',
    field(
      'Ask',
      `purser request create ${metadata.name} NAME --team TEAM --env ENVIRONMENT ${parameters
        .filter((p) => p.required && p.byDefault === null)
        .map((p) => `${p.name}=…`)
        .join(' ')}`.trimEnd(),
      view,
    ),
  )
}

export type Parameter = {
  readonly name: string
  readonly required: boolean
  readonly type: string
  /** Whatever is typed is text. */
  readonly isText: boolean
  readonly byDefault: string | null
  readonly about: string
}

/** The parameters at the top of a blueprint's schema, in its order. */
export function parametersOf(spec: JsonObject): readonly Parameter[] {
  const schema = isObject(spec['parameters']) ? spec['parameters'] : {}
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : []
  return Object.entries(properties).map(([name, value]) => {
    const of = isObject(value) ? value : {}
    return {
      name,
      required: required.includes(name),
      type: typeOf(of),
      isText: of['type'] === 'string',
      byDefault: of['default'] === undefined ? null : text(of['default']),
      about: typeof of['description'] === 'string' ? of['description'] : '',
    }
  })
}

function typeOf(schema: Readonly<Record<string, unknown>>): string {
  if (Array.isArray(schema['enum'])) return schema['enum'].map(text).join('|')
  const type = text(schema['type'] ?? 'anything')
  const [least, most] = [schema['minimum'], schema['maximum']]
  return typeof least === 'number' || typeof most === 'number' ? `${type} ${text(least ?? '')}..${text(most ?? '')}` : type
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify((value ?? null) as Json)
}
