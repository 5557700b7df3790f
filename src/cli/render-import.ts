import type { ImportAnswer, ImportedAnswer } from './blueprints-import.ts'
import { hang, paragraphs, type Style, type View } from './text.ts'

const styles: { readonly [O in ImportedAnswer['outcome']]: Style } = {
  created: 'green',
  changed: 'yellow',
  unchanged: 'dim',
  refused: 'red',
}
const outcomes = ['created', 'changed', 'unchanged', 'refused'] as const

/** More differences and resources than fit a screen are counted; `-o json` has all. */
const maxLines = 20

/** What an import did, a definition a paragraph, and the sum. `sources`: where each definition came from. */
export function renderImported({ results }: ImportAnswer, sources: readonly string[], dryRun: boolean, view: View): string {
  const parts = results.map((result, i) => renderResult(result, sources[i] ?? result.source.name, view))
  const counts = outcomes
    .map((outcome) => [results.filter((result) => result.outcome === outcome).length, outcome] as const)
    .filter(([count]) => count > 0)
  const sum = counts.map(([count, outcome]) => `${count} ${outcome}`).join(', ')
  return paragraphs(...parts.flatMap((part) => [...part, '']), `${sum}.${dryRun ? ' A dry run: nothing was stored.' : ''}`)
}

function renderResult(result: ImportedAnswer, source: string, view: View): readonly string[] {
  const { outcome, blueprint, version, reasons, warnings, diff, touches } = result
  const what = blueprint === null ? source : `${blueprint}${version === null ? '' : `@${version}`} from ${source}`
  return [
    `${view.paint(styles[outcome], outcome)} ${what}`,
    ...reasons.map(({ pointer, detail }) => hang('  ', `${pointer === '' ? '' : `${pointer}: `}${detail}`, view)),
    ...warnings.map(({ detail }) => hang('  ', `${view.paint('yellow', 'warning')} ${detail}`, view)),
    ...few(diff, ({ pointer, before, after, breaking }) => {
      const mark = before === null ? '+' : after === null ? '-' : '~'
      return `  ${mark} ${pointer}${breaking ? view.paint('red', ' breaking') : ''}`
    }),
    ...(touches.length === 0 ? [] : [`  lives: ${touches.length}, each at its version until it is updated`]),
    ...few(touches, ({ name, team, environment, blueprint: { version: at } }) => `    ${team}/${environment}/${name} at ${at}`),
  ]
}

function few<T>(items: readonly T[], line: (item: T) => string): readonly string[] {
  const shown = items.slice(0, maxLines).map(line)
  return items.length > maxLines ? [...shown, `  … and ${items.length - maxLines} more (-o json shows all)`] : shown
}
