import type { ApplyAnswer } from './answers.ts'
import { hang, paragraphs, table, type Style, type View } from './text.ts'

const outcomes: readonly { readonly outcome: string; readonly style: Style }[] = [
  { outcome: 'created', style: 'green' },
  { outcome: 'changed', style: 'yellow' },
  { outcome: 'unchanged', style: 'dim' },
]

/** What an apply did, one document a line, and the sum. */
export function renderApplied(applied: ApplyAnswer, dryRun: boolean, view: View): string {
  const { results } = applied
  const rows = table(
    [
      { title: 'OUTCOME', least: 9, cells: results.map((r) => r.outcome) },
      { title: 'KIND', least: 11, cells: results.map((r) => r.kind) },
      { title: 'NAME', least: 20, cells: results.map((r) => r.name) },
      { title: 'REVISION', least: 8, cells: results.map((r) => String(r.revision)) },
    ],
    view,
  )
    .split('\n')
    .map((line) => colour(line, view))
  const counts = outcomes
    .map(({ outcome }) => [results.filter((r) => r.outcome === outcome).length, outcome] as const)
    .filter(([count]) => count > 0)
  const sum = counts.map(([count, outcome]) => `${count} ${outcome}`).join(', ')
  const end = dryRun ? 'A dry run: nothing was stored.' : `Platform revision ${applied.platformRevision}.`
  const warnings = results.flatMap(({ name, warnings: of = [] }) =>
    of.map(({ pointer, detail }) => hang(`${view.paint('yellow', 'warning')} `, `${name} ${pointer} ${detail}`, view)),
  )
  return paragraphs(...rows, ...(warnings.length === 0 ? [] : ['', ...warnings]), '', `${sum}. ${end}`)
}

function colour(line: string, view: View): string {
  const found = outcomes.find(({ outcome }) => line.startsWith(`${outcome} `))
  return found === undefined ? line : view.paint(found.style, found.outcome) + line.slice(found.outcome.length)
}
