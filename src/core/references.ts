import type { Document, Kind } from './document/document.ts'
import type { Platform } from './platform.ts'

/** Where a document names another one that must exist. */
export type Reference = { readonly kind: 'Team' | 'Environment' | 'Blueprint'; readonly name: string; readonly pointer: string }

/** Pointers start at the document. A blueprint is named as in a request, with a version or without. */
export function referencesOf(document: Document): readonly Reference[] {
  const team = (name: string | undefined, pointer: string): Reference[] => (name === undefined ? [] : [{ kind: 'Team', name, pointer }])
  switch (document.kind) {
    case 'Team':
    case 'Trust':
      return []
    case 'Environment':
      return team(document.spec.deletion?.approvers?.team, '/spec/deletion/approvers/team')
    case 'Blueprint':
      return team(document.spec.owner, '/spec/owner')
    case 'Policy':
      return [
        ...document.spec.rules.flatMap((rule, i) =>
          rule.effect === 'require-approval' ? team(rule.approvers?.team, `/spec/rules/${i}/approvers/team`) : [],
        ),
        ...(document.spec.tests ?? []).flatMap(({ given }, i): Reference[] => [
          { kind: 'Blueprint', name: given.blueprint, pointer: `/spec/tests/${i}/given/blueprint` },
          { kind: 'Environment', name: given.environment, pointer: `/spec/tests/${i}/given/environment` },
          { kind: 'Team', name: given.team, pointer: `/spec/tests/${i}/given/team` },
        ]),
      ]
    case 'Budget': {
      const { environment } = document.spec.scope ?? {}
      const environments: Reference[] =
        environment === undefined ? [] : [{ kind: 'Environment', name: environment, pointer: '/spec/scope/environment' }]
      return [...team(document.spec.scope?.team, '/spec/scope/team'), ...environments]
    }
    case 'Service':
      return team(document.spec.owner, '/spec/owner')
  }
}

/**
 * The documents of the platform that name this one, as `Policy databases`, so that it cannot be taken away. Of a blueprint
 * only the highest version counts: older ones never change, and would hold their owner for ever.
 */
export function documentsUsing(platform: Platform, kind: Kind, name: string): readonly string[] {
  const documents: Document[] = [
    ...[...platform.environments.values()].map((e) => e.document),
    ...[...platform.blueprints.values()].flatMap((versions) => versions.slice(0, 1).map((b) => b.document)),
    ...platform.policies.map((p) => p.document),
    ...[...platform.budgets.values()].map((b) => b.document),
  ]
  return documents
    .filter((document) => referencesOf(document).some((r) => r.kind === kind && bareName(r) === name))
    .map((document) => `${document.kind} ${document.metadata.name}`)
}

function bareName({ kind, name }: Reference): string {
  return kind === 'Blueprint' ? (name.split('@')[0] ?? name) : name
}
