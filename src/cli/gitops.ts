import { isObject } from '../core/json.ts'
import { note, print, refused, type Context } from './context.ts'
import { exits } from './io.ts'
import { notThe } from './pages.ts'
import { hang, paragraphs, type View } from './text.ts'

type Problem = {
  readonly repository: string
  readonly branch: string
  readonly commit: string
  readonly path: string | null
  readonly reason: string
}
type Verification = {
  readonly commits: number
  readonly verified: number
  /** Committed requests whose commit is not there. */
  readonly missing: number
  readonly problems: readonly Problem[]
}
type VerificationPage = Verification & { readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean } }

/** The most that the server walks in one call. */
const LARGEST_PAGE = 200

/** `purser gitops verify`: every commit of every GitOps branch against the plan that was approved. Exits 1 when one is not backed, or missing. */
export async function verifyGitops(context: Context): Promise<number> {
  let [commits, verified, missing] = [0, 0, 0]
  const problems: Problem[] = []
  let after: string | null = null
  do {
    const query = new URLSearchParams({ first: String(LARGEST_PAGE), ...(after === null ? {} : { after }) })
    const answer = await context.call({ method: 'GET', path: `/v1/gitops/verify?${query.toString()}`, repeatable: true })
    if (!answer.ok) return await refused(context, answer.refusal)
    const page = asVerification(answer.body)
    commits += page.commits
    verified += page.verified
    missing += page.missing
    problems.push(...page.problems)
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
    if (after !== null && context.io.stderr.isTTY === true) context.io.stderr.write(`\r\x1b[2K${commits} commits …`)
  } while (after !== null)
  if (context.io.stderr.isTTY === true) context.io.stderr.write('\r\x1b[2K')
  await print(context, { commits, verified, missing, problems }, renderVerification)
  if (verified < commits) note(context, `${commits - verified} of ${commits} commits are not backed by an approved request.`)
  if (missing > 0)
    note(context, `${missing} ${missing === 1 ? 'commit' : 'commits'} of approved requests ${missing === 1 ? 'is' : 'are'} missing.`)
  if (verified === commits && missing === 0) return exits.reached
  return exits.refused
}

/** What is wrong, commit by commit. */
function renderVerification({ commits, verified, missing, problems }: Verification, view: View): string {
  const shown = new Set<string>()
  const lines = problems.flatMap(({ repository, branch, commit, path, reason }) => {
    const head = shown.has(commit) ? [] : [`${view.paint('red', commit)} on ${branch} of ${repository}`]
    shown.add(commit)
    return [...head, hang('  ', path === null ? reason : `${path.replaceAll('\n', ' ')}: ${reason}`, view)]
  })
  const all = verified === commits && missing === 0
  return paragraphs(...lines, view.paint(all ? 'green' : 'bold', `${verified} of ${commits} commits are the bytes of an approved plan.`))
}

function asVerification(body: unknown): VerificationPage {
  if (
    !isObject(body) ||
    typeof body.commits !== 'number' ||
    typeof body.missing !== 'number' ||
    !Array.isArray(body.problems) ||
    !isObject(body.pageInfo)
  )
    throw notThe('verification')
  return body as VerificationPage // Checked as far as a wrong server or another version would show.
}
