import { readFileSync } from 'node:fs'
import { operations, permissionOf, type Permission, type Scope } from '../src/core/permissions.ts'

/** docs/access.md: the prose beside this file, with the table of `core/permissions.ts` where it says so. */
export function generateAccess(): string {
  const prose = readFileSync(new URL('access.md', import.meta.url), 'utf8')
  return prose.replace('<!-- the table -->', renderTable())
}

function renderTable(): string {
  const scopes = [...new Set(operations.map((operation) => permissionOf(operation).scope))]
  return scopes.map((scope) => `### ${titleOf(scope)}\n\n${rowsOf(scope)}`).join('\n\n')
}

function titleOf(scope: Scope | null): string {
  return scope === null ? 'Without a scope' : `With \`${scope}\``
}

function rowsOf(scope: Scope | null): string {
  const rows = operations
    .map((operation) => ({ operation, ...permissionOf(operation) }))
    .filter((row) => row.scope === scope)
    .map((row) => {
      const name = 'caseOf' in row && row.caseOf !== undefined ? `\`${row.caseOf}\`: ${row.does}` : `\`${row.operation}\`: ${row.does}`
      return `| ${name} | ${whoOf(row)} | ${row.note ?? ''} | \`${row.verb}\` |`
    })
  return ['| operation | who | but | `can-i` |', '|---|---|---|---|', ...rows].join('\n')
}

function whoOf({ who }: Permission): string {
  switch (who.kind) {
    case 'anyone':
      return 'anyone signed in'
    case 'platform':
      return who.platform.join(', ')
    case 'named':
      return `whoever the request's requirements name: most often ${who.role}`
    case 'member':
      return [who.role === 'owner' ? 'owner' : `${who.role}+`, ...who.platform].join(', ')
  }
}
