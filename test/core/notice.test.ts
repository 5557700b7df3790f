import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import { courseOf, pauseAfter, type Posted } from '../../src/core/notice-course.ts'
import { budgetNotice, inert, requestNotice } from '../../src/core/notice.ts'
import type { RequestRecord } from '../../src/core/request-record.ts'

const digest = `sha256:${'a'.repeat(64)}`
const record: RequestRecord = {
  id: newId('request'),
  state: 'pending_approval',
  team: 'payments',
  environment: 'prod',
  reason: 'orders go live',
  requester: { subject: 'ann@example.com', kind: 'person', via: null },
  body: {
    changes: [{ action: 'create', blueprint: { name: 'postgres' }, resource: { name: 'orders-db' } }],
    cost: { monthlyDelta: '258.00', currency: 'EUR' },
    decision: { approvals: [{ approvers: { team: 'dba', role: 'approver' }, required: 1 }] },
    plan: { digest, repository: 'embedded', branch: 'main', files: [] },
  },
  budgets: [],
  problem: null,
  approvals: [],
  delivery: null,
  claimed: false,
  hold: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
}
const view = { all: false, teams: new Set(['payments']) }
const delivery = { repository: 'embedded', branch: 'main', commit: `0123456789${'0'.repeat(30)}`, committedAt: new Date(0) }

describe('a notice', () => {
  test('of what waits says for whom, what it costs, who asked, and which plan an approver answers with', () => {
    expect(requestNotice('waiting', record, view)).toBe(
      [
        'payments/prod: create postgres orders-db (+258.00 EUR a month) waits for 1 approval by an approver of team dba.',
        'Asked by ann@example.com: orders go live',
        `Request \`${record.id}\`, plan \`${digest}\``,
      ].join('\n'),
    )
  })

  test('of a commit says which one and what it costs, also when the cluster was faster than the notice', () => {
    for (const state of ['committed', 'ready'] as const)
      expect(requestNotice('committed', { ...record, state, delivery }, view)).toBe(
        [
          'payments/prod: create postgres orders-db (+258.00 EUR a month) is committed as 01234567.',
          'Asked by ann@example.com: orders go live',
          `Request \`${record.id}\``,
        ].join('\n'),
      )
  })

  test('of a failure says why', () => {
    const problem = { code: 'delivery-refused', detail: 'The repository refused the commit: <no> @all' } as const

    expect(requestNotice('failed', { ...record, state: 'failed', problem }, view)).toContain(
      'payments/prod: create postgres orders-db failed. The repository refused the commit: &lt;no&gt; @\u200ball',
    )
  })

  test('of a rejection says who, and in their words why; of a bot, for whom', () => {
    const rejected: RequestRecord = {
      ...record,
      state: 'rejected',
      requester: { subject: 'ann@example.com', kind: 'person', via: 'chat-bot' },
      approvals: [{ by: 'bob@example.com', vote: 'reject', comment: 'too `big`', at: new Date(0), satisfies: [] }],
    }

    expect(requestNotice('rejected', rejected, view)).toBe(
      [
        'payments/prod: create postgres orders-db is rejected by bob@example.com.',
        "They say: too 'big'",
        'Asked by ann@example.com via chat-bot: orders go live',
        `Request \`${record.id}\``,
      ].join('\n'),
    )
  })

  test('of what has moved on is none', () => {
    expect(requestNotice('waiting', { ...record, state: 'cancelled' }, view)).toBeNull()
    expect(requestNotice('waiting', { ...record, state: 'committed', delivery }, view)).toBeNull()
  })

  test('of a budget says how full it is, in its measure', () => {
    const alert = { percent: 80, used: 205_000, limit: 250_000, measure: 'cost' }

    expect(budgetNotice('payments-prod', alert, 'EUR')).toBe(
      'Budget payments-prod has reached 80 %: 2050.00 of 2500.00 EUR a month are committed or reserved.',
    )
    expect(budgetNotice('dbs', { percent: 100, used: 4, limit: 4, measure: 'count' }, 'EUR')).toBe(
      'Budget dbs has reached 100 %: 4 of 4 are committed or reserved.',
    )
  })
})

describe('what somebody wrote', () => {
  test.each([
    ['<!channel> and <@U123>', '&lt;!channel&gt; and &lt;@\u200bU123&gt;'],
    ['@all @@here .@channel _@all', '@\u200ball @\u200b@\u200bhere .@\u200bchannel _@\u200ball'],
    ['ann@example.com', 'ann@example.com'],
    ['<https://evil.example|the runbook>', '&lt;https:\u200b//evil.example|the runbook&gt;'],
    ['[the runbook](https://evil.example)', '[the runbook]\u200b(https:\u200b//evil.example)'],
    ['![x](www.evil.example/a.png)', '![x]\u200b(www\u200b.evil.example/a.png)'],
    ['a\n> b\r\n# c\u2028d', 'a &gt; b # c d'],
    ['`x` ```y', "'x' '''y"],
    ['&lt;!here&gt;', '&amp;lt;!here&amp;gt;'],
    ['a\u202egnp.exe\u200b@\u200ball', 'agnp.exe@all'],
  ])('as %j is read as it is and does nothing', (written, shown) => {
    expect(inert(written, 300)).toBe(shown)
  })

  test('is one line of bounded length in which nothing is a mention, a link or code', () => {
    const anything = fc.array(fc.integer({ min: 0, max: 0x10_ff_ff }), { maxLength: 60 }).map((points) => String.fromCodePoint(...points))
    const hostile = fc.array(
      fc.constantFrom('<', '>', '@', '!', '`', ']', '(', '[', ':', '//', 'www.', 'all', 'a', ' ', '\n', '\u200b', '&', '.', '😀', '\ud83d'),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          hostile.map((parts) => parts.join('')),
        ),
        fc.integer({ min: 1, max: 40 }),
        (text, most) => {
          const shown = inert(text, most)

          expect(shown).not.toMatch(/[<>`\p{Cc}\p{Zl}\p{Zp}]|\]\(|:\/\/|www\.|&(?!(?:amp|lt|gt);)/u)
          expect(shown).not.toMatch(/(?<![0-9A-Za-z])@(?!\u200b)/)
          expect(shown).not.toMatch(/\p{Cs}/u)
          expect(shown.length).toBeLessThanOrEqual(6 * most + 1)
        },
      ),
    )
  })
})

describe('a hook', () => {
  const fresh = { attempts: 0, ageS: 0 }
  const old = { attempts: 0, ageS: 48 * 3_600 }

  test.each<readonly [Posted['kind'], typeof fresh, string]>([
    ['taken', fresh, 'sent'],
    ['taken', old, 'sent'],
    ['gone', fresh, 'given-up'],
    ['unreachable', { attempts: 1_000, ageS: 10 }, 'pending'],
    ['forbidden', fresh, 'pending'],
    ['unreachable', old, 'given-up'],
    ['busy', old, 'given-up'],
    ['refused', { attempts: 4, ageS: 0 }, 'pending'],
    ['refused', { attempts: 5, ageS: 0 }, 'given-up'],
  ])('that answers %s, with %j, leaves the notice %s', (kind, notice, course) => {
    expect(courseOf(kind === 'busy' ? { kind, retryAfterS: null } : { kind }, notice)).toBe(course)
  })

  test('is left alone longer and longer, up to an hour, and for as long as it says, up to two days', () => {
    const pauses = [1, 2, 3, 12, 13, 1_000].map((failures) => pauseAfter({ kind: 'unreachable' }, failures, 0.5))

    expect(pauses).toEqual([2, 4, 8, 3_600, 3_600, 3_600])
    expect(pauseAfter({ kind: 'taken' }, 0, 1)).toBe(0)
    expect(pauseAfter({ kind: 'busy', retryAfterS: 90 }, 1, 0)).toBe(90)
    expect(pauseAfter({ kind: 'busy', retryAfterS: 90 }, 9, 1)).toBeCloseTo(99)
    expect(pauseAfter({ kind: 'busy', retryAfterS: 1e9 }, 1, 0)).toBe(48 * 3_600)
    expect(pauseAfter({ kind: 'busy', retryAfterS: null }, 2, 0)).toBe(3)
  })
})
