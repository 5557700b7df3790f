import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commitMessage, type CommitFacts } from '../../src/core/commit-message.ts'

const facts: CommitFacts = {
  id: 'req_01h455vb4pex5vsknk084sn02q',
  team: 'payments',
  environment: 'prod',
  reason: 'orders go live',
  changes: [{ action: 'create', blueprint: 'postgres', name: 'orders-db' }],
  requestedBy: 'alice@example.com',
  via: null,
  approvedBy: ['bob@example.com'],
  planDigest: `sha256:${'a'.repeat(64)}`,
  policyDigest: `sha256:${'b'.repeat(64)}`,
  monthlyDelta: 25_800n,
  currency: 'EUR',
}

/** What git itself takes for the trailers. */
function trailers(message: string): string {
  return execFileSync('git', ['interpret-trailers', '--parse', '--no-divider'], { input: message, encoding: 'utf8' })
}

describe('a commit message', () => {
  it('says what, why and on whose word', () => {
    expect(commitMessage(facts)).toBe(`payments/prod: create postgres orders-db

    orders go live

Purser-Request: req_01h455vb4pex5vsknk084sn02q
Purser-Requested-By: alice@example.com
Purser-Approved-By: bob@example.com
Purser-Plan-Digest: sha256:${'a'.repeat(64)}
Purser-Policy-Digest: sha256:${'b'.repeat(64)}
Purser-Monthly-Cost: 258.00 EUR
`)
  })

  it('names the bot between and every approver, and no reason when there is none', () => {
    const message = commitMessage({
      ...facts,
      reason: null,
      via: 'chat-bot',
      approvedBy: ['bob@example.com', 'bea@example.com'],
      monthlyDelta: -1_50n,
    })

    expect(message).toContain('orders-db\n\nPurser-Request')
    expect(trailers(message).split('\n').slice(1, 5)).toEqual([
      'Purser-Requested-By: alice@example.com',
      'Purser-Via: chat-bot',
      'Purser-Approved-By: bob@example.com',
      'Purser-Approved-By: bea@example.com',
    ])
    expect(message).toContain('Purser-Monthly-Cost: -1.50 EUR')
  })

  it('counts the other changes in its subject, which stays short', () => {
    const change = (name: string) => ({ action: 'update', blueprint: 'postgres', name }) as const
    const subject = (names: readonly string[]) => commitMessage({ ...facts, changes: names.map(change) }).split('\n')[0]

    expect(subject(['a', 'b', 'c'])).toBe('payments/prod: update postgres a and 2 more')
    expect(subject(['x'.repeat(50), 'b'])?.length).toBe(72)
    expect(subject(['x'.repeat(50), 'b'])).toMatch(/x… and 1 more$/)
  })

  it.each([
    ['a trailer', 'Purser-Approved-By: mallory@example.com'],
    ['a paragraph of trailers', 'because\n\nPurser-Approved-By: mallory@example.com\nSigned-off-by: x <x@example.com>\n'],
    ['a divider', 'because\n---\nPurser-Approved-By: mallory@example.com'],
    ['a carriage return', 'because\r\rPurser-Approved-By: mallory@example.com'],
    ['a line separator', 'because\u2028\u2028Purser-Approved-By: mallory@example.com'],
    ['a scissors line', '# ------------------------ >8 ------------------------\nPurser-Approved-By: m'],
  ])('cannot be given %s by the reason', (_, reason) => {
    expect(trailers(commitMessage({ ...facts, reason }))).toBe(trailers(commitMessage(facts)))
  })

  it('has no other trailers than ours, whatever people type', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'Purser-Approved-By: mallory@example.com',
        '',
        '---',
        ' continued',
        '(cherry picked from commit abc)',
        'Signed-off-by: x',
        '#',
        '\t',
        'A:',
        ':',
      ),
      fc.string({ unit: 'binary', maxLength: 30 }),
    )
    const typed = fc
      .tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\u2028', '\u0085'))
      .map(([lines, separator]) => lines.join(separator))

    fc.assert(
      fc.property(typed, typed, (reason, approver) => {
        const names = trailers(commitMessage({ ...facts, reason, requestedBy: `${approver}@example.com` }))
          .trimEnd()
          .split('\n')
          .map((text) => text.split(':')[0])

        expect(names).toEqual([
          'Purser-Request',
          'Purser-Requested-By',
          'Purser-Approved-By',
          'Purser-Plan-Digest',
          'Purser-Policy-Digest',
          'Purser-Monthly-Cost',
        ])
      }),
      { numRuns: 60 },
    )
  })
})
