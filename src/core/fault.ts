/**
 * What to do about a dependency that failed: `again` — retry with backoff; `wait` — retry too, but it is not an attempt:
 * somebody else has to become well first (database or repository gone, disk full); `stop` — a person must change something.
 */
export type FaultKind = 'again' | 'wait' | 'stop'

/** A dependency failed. Classified once, at its adapter or in the store; `detail` is one line without credentials. */
export class Fault extends Error {
  readonly kind: FaultKind
  readonly detail: string

  constructor(kind: FaultKind, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = 'Fault'
    this.kind = kind
    this.detail = detail
  }
}
