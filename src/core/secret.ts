/**
 * A value that must not be seen: however it is printed, logged, serialized or inspected, `[secret]` is what comes out.
 * Only `reveal` gives it, which is easy to look for.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  /** What util.inspect, and so console.log and assertion messages, ask for. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}
