import type { Document } from './document.ts'

/** The team whose log a document's changes are in; null: the platform's. */
export function teamOf(document: Document): string | null {
  switch (document.kind) {
    case 'Team':
      return document.metadata.name
    case 'Budget':
      return document.spec.scope?.team ?? null
    case 'Service':
      return document.spec.owner
    case 'Environment':
    case 'Blueprint':
    case 'Policy':
    case 'Trust':
      return null
  }
}
