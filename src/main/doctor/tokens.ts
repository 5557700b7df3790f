import type { Finding } from './finding.ts'

const MOST_NAMED = 5

/** Tokens whose bearer may both ask and approve for people: nothing is wrong with them, and somebody should know. Pure, as its neighbours. */
export function judgeTokens(bothHalves: readonly { readonly name: string; readonly prefix: string }[]): Finding {
  if (bothHalves.length === 0) return { check: 'tokens', status: 'ok', detail: 'no bot may both ask and approve for people' }
  const named = bothHalves.slice(0, MOST_NAMED).map(({ name, prefix }) => (prefix === '' ? name : `${name} (${prefix}…)`))
  const more = bothHalves.length > MOST_NAMED ? ' and more' : ''
  return {
    check: 'tokens',
    status: 'warn',
    detail: `who holds a token of ${named.join(', ')}${more} may both ask and approve for people: both halves of four eyes`,
    remedy: 'Give such a bot two tokens, kept in two places, or leave approvals:write to people',
  }
}
