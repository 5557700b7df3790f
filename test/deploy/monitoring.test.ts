import Fastify from 'fastify'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { measureDeliveries, measureNotices, measureRequests, processMetrics } from '../../src/faces/http/metrics.ts'
import { measurePlatform } from '../../src/faces/http/platform-metrics.ts'
import { ask, boxes, budget, create, idOf, openHouse } from '../support/house.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

type Rule = {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook_url: string }
}
const rules = (parse(read('deploy/prometheus/rules.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules)

type Panel = { readonly id: number; readonly type: string; readonly title: string; readonly targets?: readonly { readonly expr: string }[] }
const dashboard = JSON.parse(read('deploy/grafana/purser.json')) as { readonly panels: readonly Panel[] }

const expressions: readonly (readonly [string, string])[] = [
  ...rules.map((rule) => [rule.alert, rule.expr] as const),
  ...dashboard.panels.flatMap((panel) => (panel.targets ?? []).map((target) => [panel.title, target.expr] as const)),
]

/** What a scrape shows after somebody has asked for something: name → label → values. */
const shown = new Map<string, Map<string, Set<string>>>()
const house = await openHouse()

await house.apply([boxes, budget('few', '{ measure: count, limit: 4 }')].join('\n---\n'))
idOf(await ask(house, await house.person('ann@example.com'), [create('a', 1)]))
const registry = processMetrics()
const app = Fastify()
measureRequests(app, registry)
measureDeliveries(registry)
measureNotices(registry)
for (const path of ['/v1/plans', '/readyz']) app.get(path, async (_request, reply) => reply.code(503).send())
for (const path of ['/v1/plans', '/readyz']) await app.inject(path)
await app.close()
await measurePlatform(registry, house.context)()
for (const line of (await registry.metrics()).split('\n')) {
  const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line)
  if (line.startsWith('#') || match === null) continue
  const labels = shown.get(match[1] ?? '') ?? new Map<string, Set<string>>()
  shown.set(match[1] ?? '', labels)
  for (const [, label = '', value = ''] of (match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g))
    labels.set(label, (labels.get(label) ?? new Set()).add(value))
}

const functions = new Set('absent and by histogram_quantile increase max min or rate sum vector'.split(' '))
/** Added by Prometheus. */
const ofTheScrape = ['instance', 'job']

describe.each(expressions)('the expression of %s', (_, expr) => {
  const selectors = [...expr.matchAll(/([a-z_][a-z0-9_]{2,})(?:\{([^}]*)\})?/g)].filter((match) => shown.has(match[1] ?? ''))

  test('uses metrics that there are, and nothing that Prometheus does not know', () => {
    // Without selectors, groupings, strings and ranges, what is left are metrics and functions.
    const bare = expr.replaceAll(/\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)/g, ' ')
    const words = bare.match(/[a-zA-Z_]\w*/g) ?? []
    expect(words.filter((word) => !functions.has(word) && !shown.has(word))).toEqual([])
    expect(selectors.length).toBeGreaterThan(0)
    expect(expr.split('(').length).toBe(expr.split(')').length)
  })

  test('names labels that its metrics have, with values that they can have', () => {
    for (const [, metric = '', matchers = ''] of selectors)
      for (const [, label = '', operator, value = ''] of matchers.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)) {
        const values = [...(shown.get(metric)?.get(label) ?? [])]
        expect(values.length, `${metric}{${label}}`).toBeGreaterThan(0)
        const pattern = new RegExp(`^(?:${value.replaceAll('\\\\', '\\')})$`)
        expect(values.some((each) => (operator === '=~' ? pattern.test(each) : each === value))).toBe(true)
      }
    const known = selectors.flatMap(([, metric = '']) => [...(shown.get(metric)?.keys() ?? [])])
    for (const [, grouped = ''] of expr.matchAll(/\bby \(([^)]*)\)/g))
      expect([...known, ...ofTheScrape]).toEqual(expect.arrayContaining(grouped.split(/,\s*/)))
  })
})

test('every alert has a runbook, and every runbook an alert', () => {
  expect(readdirSync(join(root, 'docs/runbooks')).toSorted()).toEqual(rules.map((rule) => `${rule.alert}.md`).toSorted())
})

test.each(rules)('the runbook of $alert says what it means and what to do, and the alert where it is', (rule) => {
  const page = read(`docs/runbooks/${rule.alert}.md`)

  expect(page).toMatch(
    new RegExp(`^# ${rule.alert}: .+\\n\\nSeverity: ${rule.labels.severity}\\n\\n## What it means\\n\\n[^]+\\n## What to do\\n\\n`),
  )
  expect(rule.annotations.runbook_url).toBe(`https://purser.dev/runbooks/${rule.alert}`)
  expect(['critical', 'warning', 'info']).toContain(rule.labels.severity)
  expect(rule.annotations.summary).not.toBe('')
})

test('no runbook leads nowhere', () => {
  const pages = [...rules.map((rule) => `docs/runbooks/${rule.alert}.md`), 'docs/operations.md', 'deploy/kustomize/README.md']
  for (const page of pages)
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)]+)\)/g)) {
      const [file = '', anchor] = target.split('#')
      const path = file === '' ? page : join(page, '..', file)
      const text = file.endsWith('/') ? '' : read(path)
      const headings = [...text.matchAll(/^#+ (.*)$/gm)].map((match) =>
        (match[1] ?? '')
          .toLowerCase()
          .replaceAll(/[^a-z0-9 -]/g, '')
          .replaceAll(' ', '-'),
      )
      if (anchor !== undefined) expect(headings, `${page}: ${target}`).toContain(anchor)
    }
})

test('panels have numbers of their own and stand on no other panel', () => {
  const panels = dashboard.panels as readonly (Panel & { gridPos: { x: number; y: number; w: number; h: number } })[]
  expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length)
  const taken = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)}.${y + Math.floor(i / w)}`),
  )
  expect(new Set(taken).size).toBe(taken.length)
})
