import type { NoticeHealth } from '../../store/team-notices.ts'
import type { Finding } from './finding.ts'

/** A hook that has a bad minute is nobody's business. */
const LONG_S = 900

/** What the notices of teams say: given up ones of the last day, and such as wait for long. Pure, as its neighbours. */
export function judgeNotices(health: readonly NoticeHealth[]): Finding {
  const wrong = health.filter(({ givenUp, oldestAgeS }) => givenUp > 0 || oldestAgeS > LONG_S)
  if (wrong.length === 0) return { check: 'notices', status: 'ok', detail: 'none waits for long, none was given up in the last day' }
  return {
    check: 'notices',
    status: 'warn',
    detail: wrong.map(describe).join('; '),
    remedy: 'Correct what contact.webhook of the team names, or allow its address; those that wait are tried again by themselves',
  }
}

function describe({ team, pending, oldestAgeS, givenUp, lastError }: NoticeHealth): string {
  const parts = [
    ...(givenUp > 0 ? [`${givenUp} given up in the last day`] : []),
    ...(oldestAgeS > LONG_S ? [`${pending} waiting, the oldest for ${Math.round(oldestAgeS / 60)} min`] : []),
  ]
  return `hook of team ${team}: ${parts.join(', ')}${lastError === null ? '' : ` (${lastError})`}`
}
