import { createInterface } from 'node:readline/promises'
import type { Context } from './context.ts'
import { visible } from './text.ts'

/** Questions on standard error, answers from standard input: standard output is for what comes of it. */
export type Asker = {
  /** The line that was typed, without spaces around it; null at the end of the input. */
  line(question: string): Promise<string | null>
  say(text: string): void
  close(): void
}

/** Null where there is nobody to ask. */
export function openAsker({ io }: Context): Asker | null {
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true) return null
  const lines = createInterface({ input: io.stdin })
  const typed = lines[Symbol.asyncIterator]()
  return {
    async line(question) {
      io.stderr.write(visible(question))
      const next = await typed.next()
      return next.done === true ? null : next.value.trim()
    },
    say: (text) => void io.stderr.write(`${text}\n`),
    close: () => lines.close(),
  }
}

/** One of a list, by its name; an empty line is the first when there is only one. Null at the end of the input. */
export async function choose(asker: Asker, label: string, choices: readonly string[]): Promise<string | null> {
  const only = choices.length === 1 ? choices[0] : undefined
  for (;;) {
    const typed = await asker.line(`${label} (${choices.join(', ')})${only === undefined ? '' : ` [${only}]`}: `)
    if (typed === null) return null
    const chosen = typed === '' ? only : typed
    if (chosen !== undefined && choices.includes(chosen)) return chosen
    asker.say('Write one of them.')
  }
}
