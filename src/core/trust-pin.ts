import { isObject } from './json.ts'

/**
 * Whether a Trust's expression says *who*, for good. Names of repositories, projects and their owners can be given up and
 * registered anew by anybody, and a pattern over names takes in what others create; numbers that the issuer gives once are
 * neither. So for issuers whose claims are known the expression must hold one of those numbers fast in every way in which it
 * can be true; for any other, at least one claim that could say who it is.
 *
 * Judged on the parsed tree, and only by what is certain: `a && b` is true only where both are, so one pinned half is enough;
 * `a || b` where either is, so both must be. Whatever is not understood (a negation, a macro, a function) pins nothing.
 */
type Family = {
  readonly system: string
  /** The claim with the number that is never given twice, and what it is the number of. */
  readonly pin: string
  readonly noun: string
  readonly issuer: (url: URL) => boolean
  /** Claims that only tokens of this family have. */
  readonly marks: ReadonlySet<string>
  /** How `sub` begins. */
  readonly subject: string
}

const families: readonly Family[] = [
  {
    system: 'GitHub Actions',
    pin: 'repository_id',
    noun: 'repository',
    issuer: ({ hostname, pathname }) => hostname === 'token.actions.githubusercontent.com' || pathname.endsWith('/_services/token'),
    marks: words(
      'repository repository_id repository_owner repository_owner_id repository_visibility job_workflow_ref workflow_ref workflow workflow_sha event_name base_ref head_ref actor actor_id run_id run_number run_attempt',
    ),
    subject: 'repo:',
  },
  {
    system: 'GitLab',
    pin: 'project_id',
    noun: 'project',
    issuer: ({ hostname }) => hostname === 'gitlab.com',
    marks: words(
      'project_id project_path namespace_id namespace_path job_project_id job_project_path ci_config_ref_uri pipeline_source ref_path user_login user_access_level groups_direct environment_protected environment_action deployment_tier pipeline_id job_id runner_id',
    ),
    subject: 'project_path:',
  },
]

/** Claims that every token of an issuer may have the same value of, or that say where and when a job runs and not whose it is. */
const saysNothing = words('iss aud exp iat nbf jti ref ref_type ref_protected environment runner_environment sha terraform_run_phase')

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '))
}

/** Why the expression (its parsed tree) takes in whom nobody meant, and the remedy; null: it is as narrow as it must be. */
export function findUnpinned(issuer: string, tree: unknown): string | null {
  const found: Found = { claims: new Set(), texts: [] }
  collect(tree, found)
  const family = families.find((each) => (URL.canParse(issuer) && each.issuer(new URL(issuer))) || marked(each, found))
  if (family === undefined) {
    return pins(tree, (claim) => !saysNothing.has(claim[0] ?? ''), isWritten)
      ? null
      : `must compare a claim that says whose job it is with a text, in every alternative: else every job of this issuer is taken. Such as claims.sub == '…'`
  }
  if (pins(tree, (claim) => claim.length === 1 && claim[0] === family.pin, isNumberText)) return null
  const { system, pin, noun } = family
  return (
    `must hold claims.${pin} fast in every alternative, by == or in: names of a ${noun} and of its owner can be given up and registered by others, ` +
    `and a pattern takes in what others create. Write claims.${pin} == '1234' && (…), with the number that ${system} gave the ${noun}, as text`
  )
}

type Found = { readonly claims: Set<string>; readonly texts: string[] }

function marked({ marks, subject }: Family, { claims, texts }: Found): boolean {
  return [...claims].some((claim) => marks.has(claim)) || texts.some((text) => text.startsWith(subject))
}

type Node = { readonly op: string; readonly args: unknown }

function isNode(value: unknown): value is Node {
  return isObject(value) && typeof value['op'] === 'string' && 'args' in value
}

/** Every claim that is read and every text that is written anywhere in the tree. */
function collect(value: unknown, found: Found): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, found)
  } else if (isNode(value)) {
    if (value.op === 'value' && typeof value.args === 'string') found.texts.push(value.args)
    const claim = claimOf(value)?.[0]
    if (claim !== undefined) found.claims.add(claim)
    collect(value.args, found)
  }
}

/** The path of a claim: `claims.sub` is [sub], `claims['kubernetes.io'].namespace` two steps; null: no claim. */
function claimOf(node: unknown): readonly string[] | null {
  if (!isNode(node)) return null
  if (node.op === 'id') return node.args === 'claims' ? [] : null
  if (!Array.isArray(node.args) || !['.', '[]', '.?', '[?]'].includes(node.op)) return null
  const [of, member] = node.args as readonly unknown[]
  const path = claimOf(of)
  const name = isNode(member) && member.op === 'value' ? member.args : member
  return path === null || typeof name !== 'string' ? null : [...path, name]
}

type IsClaim = (path: readonly string[]) => boolean
type IsLiteral = (value: unknown) => boolean

/** Whether the expression can only be true where such a claim has one of the values that are written down. */
function pins(node: unknown, isClaim: IsClaim, isLiteral: IsLiteral): boolean {
  if (!isNode(node) || !Array.isArray(node.args)) return false
  const [a, b, c] = node.args as readonly unknown[]
  const pinned = (each: unknown) => pins(each, isClaim, isLiteral)
  const claim = (each: unknown) => {
    const path = isNode(each) && (each.op === '.' || each.op === '[]') ? claimOf(each) : null
    return path !== null && path.length > 0 && isClaim(path)
  }
  const literal = (each: unknown) => isNode(each) && each.op === 'value' && isLiteral(each.args)
  switch (node.op) {
    case '&&':
      return pinned(a) || pinned(b)
    case '||':
      return pinned(a) && pinned(b)
    case '?:':
      return (pinned(a) || pinned(b)) && pinned(c)
    case '==':
      return (claim(a) && literal(b)) || (literal(a) && claim(b))
    case 'in':
      return claim(a) && isNode(b) && b.op === 'list' && Array.isArray(b.args) && b.args.length > 0 && b.args.every(literal)
    default:
      return false
  }
}

function isWritten(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || typeof value === 'bigint'
}

/** The issuers give numbers as text; a number in CEL would never be equal to one. */
function isNumberText(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9]{1,20}$/.test(value)
}
