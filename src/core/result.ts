import type { Problem } from './problem.ts'

/**
 * What a verb answers when the caller's business can go wrong: a value, or a refusal that says why.
 * Faults (a dependency is down) and bugs are thrown instead.
 */
export type Result<T, E = Problem> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: E }

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

export function refuse<E>(problem: E): { readonly ok: false; readonly problem: E } {
  return { ok: false, problem }
}
