import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { refusing } from './fake-api.ts'
import { fakeApiPerTest } from './run-cli.ts'

const api = fakeApiPerTest()

describe('apply', () => {
  const results = [{ kind: 'Team', name: 'payments', outcome: 'created', revision: 1 }]

  it('sends the documents of all files in one call, directories in order of name, hidden and other files left out', async () => {
    api.answer = () => ({ body: { platformRevision: 2, results } })
    api.file('platform/b.yaml', 'kind: B1\n---\nkind: B2\n')
    api.file('platform/a/z.json', '{"kind": "AZ"}')
    api.file('platform/a/notes.txt', 'kind: Not')
    api.file('platform/.git/x.yaml', 'kind: Not')
    symlinkSync(join(api.directory, 'platform'), join(api.directory, 'platform/loop.yaml'))

    const ran = await api.purser(['apply', '-f', join(api.directory, 'platform'), '-f', '-'], { stdin: 'kind: Stdin' })

    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.stdout).toContain('created  Team  payments')
    expect(api.seen).toMatchObject([
      { method: 'POST', path: '/v1/apply', body: { documents: [{ kind: 'AZ' }, { kind: 'B1' }, { kind: 'B2' }, { kind: 'Stdin' }] } },
    ])
    expect(api.seen[0]?.headers.authorization).toBe('Bearer secret-token')
    expect(api.seen[0]?.query.size).toBe(0)
  })

  it('says of a dry run that nothing was stored', async () => {
    api.answer = () => ({ body: { platformRevision: 2, results } })

    const ran = await api.purser('apply --dry-run -f -', { stdin: 'kind: Team' })

    expect(api.seen[0]?.query.get('dryRun')).toBe('true')
    expect(ran.stdout).toContain('A dry run: nothing was stored.')
  })

  it('names document and file of what is refused', async () => {
    api.answer = () => refusing({ code: 'invalid-document', errors: [{ pointer: '/documents/1/spec/rules/0/when', detail: 'is no CEL' }] })
    const path = api.file('two.yaml', 'kind: Team\n---\nkind: Policy\nmetadata: {name: databases}\n')

    const ran = await api.purser(['apply', '-f', path])

    expect(ran.exit).toBe(1)
    expect(ran.stderr).toContain(`Policy databases in ${path}: /spec/rules/0/when: is no CEL`)
  })

  it('asks nobody when a file is missing, no YAML, or empty', async () => {
    const missing = await api.purser('apply -f /nonexistent/platform')
    const broken = await api.purser(['apply', '-f', api.file('broken.yaml', 'a: [')])
    const empty = await api.purser(['apply', '-f', api.file('empty.yaml', '---\n')])

    expect([missing.exit, broken.exit, empty.exit]).toEqual([2, 1, 2])
    expect(missing.stderr).toBe('Cannot read /nonexistent/platform (ENOENT)\n')
    expect(broken.stderr).toContain('broken.yaml: line 1')
    expect(api.seen).toHaveLength(0)
  })
})
