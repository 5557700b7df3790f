import { isObject, pointerToken } from '../json.ts'
import { parseMoney } from '../money.ts'
import type { FieldError } from '../problem.ts'
import { ok, refuse, type Result } from '../result.ts'
import { compileShape, findIllFormedText, type Shape } from '../schema.ts'
import { parseSemver } from '../semver.ts'
import { blueprintDocument, type BlueprintDocument } from './blueprint.ts'
import { budgetDocument, type BudgetDocument } from './budget.ts'
import { environmentDocument, type EnvironmentDocument } from './environment.ts'
import { policyDocument, type PolicyDocument } from './policy.ts'
import { serviceDocument, type ServiceDocument } from './service.ts'
import { teamDocument, type TeamDocument } from './team.ts'
import { trustDocument, type TrustDocument } from './trust.ts'

export type Document =
  | TeamDocument
  | EnvironmentDocument
  | BlueprintDocument
  | PolicyDocument
  | BudgetDocument
  | ServiceDocument
  | TrustDocument
export type Kind = Document['kind']
export type DocumentOf<K extends Kind> = Extract<Document, { kind: K }>

/** `path` is the plural in URLs; a kind that decides raises the platform revision when one of its documents changes. */
export const kinds: { readonly [K in Kind]: { readonly path: string; readonly decides: boolean } } = {
  Team: { path: 'teams', decides: true },
  Environment: { path: 'environments', decides: true },
  Blueprint: { path: 'blueprints', decides: true },
  Policy: { path: 'policies', decides: true },
  Budget: { path: 'budgets', decides: true },
  Service: { path: 'services', decides: false },
  Trust: { path: 'trusts', decides: false },
}

/** The shape of each kind: also what OpenAPI shows. */
export const documentShapes: { readonly [K in Kind]: Shape<DocumentOf<K>> } = {
  Team: compileShape<TeamDocument>(teamDocument),
  Environment: compileShape<EnvironmentDocument>(environmentDocument),
  Blueprint: compileShape<BlueprintDocument>(blueprintDocument),
  Policy: compileShape<PolicyDocument>(policyDocument),
  Budget: compileShape<BudgetDocument>(budgetDocument),
  Service: compileShape<ServiceDocument>(serviceDocument),
  Trust: compileShape<TrustDocument>(trustDocument),
}

export function isKind(value: unknown): value is Kind {
  return typeof value === 'string' && Object.hasOwn(kinds, value)
}

/**
 * A document by its own shape; what it says about other documents is judged by `checkPlatform`. `pointer` is where it
 * stands in the body (`/documents/3`). Defaults are not filled in.
 */
export function parseDocument(value: unknown, pointer = ''): Result<Document> {
  const illFormed = findIllFormedText(value, pointer)
  if (illFormed.length > 0) return refuse({ code: 'invalid-document', errors: illFormed })
  if (!isObject(value))
    return refuse({
      code: 'invalid-document',
      errors: [{ pointer, detail: 'must be a document: an object with apiVersion, kind, metadata and spec' }],
    })
  const kind = value['kind']
  if (!isKind(kind)) {
    const detail = kind === undefined ? 'is required' : 'is not a kind of document'
    return refuse({
      code: 'invalid-document',
      errors: [{ pointer: `${pointer}/kind`, detail: `${detail}; there are ${Object.keys(kinds).join(', ')}` }],
    })
  }
  const shape: Shape<Document> = documentShapes[kind]
  const parsed = shape.parse(value, pointer)
  if (!parsed.ok) return refuse({ code: 'invalid-document', errors: parsed.problem })
  const errors = beyondShape(parsed.value).map((error) => ({ ...error, pointer: pointer + error.pointer }))
  return errors.length > 0 ? refuse({ code: 'invalid-document', errors }) : ok(parsed.value)
}

/** What a schema cannot say well. */
function beyondShape(document: Document): readonly FieldError[] {
  switch (document.kind) {
    case 'Blueprint':
      return checkVersion(document.spec.version)
    case 'Policy':
      return checkPolicy(document)
    case 'Budget':
      return checkLimit(document)
    case 'Team':
    case 'Environment':
    case 'Service':
    case 'Trust':
      return []
  }
}

function checkVersion(version: string): readonly FieldError[] {
  if (parseSemver(version) !== null) return []
  return [
    {
      pointer: '/spec/version',
      detail: 'must be a semantic version such as 1.2.0 (a pre-release such as 1.2.0-rc.1 may be; build metadata may not)',
    },
  ]
}

function checkLimit({ spec }: BudgetDocument): readonly FieldError[] {
  const { limit, measure = 'cost' } = spec
  if (measure === 'cost') {
    const amount = typeof limit === 'string' ? parseMoney(limit) : null
    return amount !== null && amount >= 0n
      ? []
      : [{ pointer: '/spec/limit', detail: 'must be an amount of money as text with at most two decimals, such as "2500.00"' }]
  }
  return typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 0
    ? []
    : [{ pointer: '/spec/limit', detail: 'must be a whole number of resources, such as 20, for measure count' }]
}

/** `parameters.size`, `parameters.backup.days`: what a `set` rule may name. */
const setPath = /^parameters(\.[A-Za-z_][A-Za-z0-9_-]{0,62}){1,8}$/

function checkPolicy({ spec }: PolicyDocument): readonly FieldError[] {
  const errors: FieldError[] = []
  const seen = new Map<string, number>()
  spec.rules.forEach((rule, i) => {
    const first = seen.get(rule.name)
    if (first === undefined) seen.set(rule.name, i)
    else errors.push({ pointer: `/spec/rules/${i}/name`, detail: `is the name of rule ${first} already` })
    if (rule.effect !== 'set') return
    for (const path of Object.keys(rule.set)) {
      if (!setPath.test(path))
        errors.push({ pointer: `/spec/rules/${i}/set${pointerToken(path)}`, detail: 'must name a parameter, such as parameters.size' })
    }
  })
  spec.tests?.forEach((test, i) => {
    test.rules?.forEach((rule, j) => {
      if (!seen.has(rule))
        errors.push({ pointer: `/spec/tests/${i}/rules/${j}`, detail: `is no rule of this policy; it has ${[...seen.keys()].join(', ')}` })
    })
  })
  return errors
}
