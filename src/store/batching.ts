import { Fault } from '../core/fault.ts'

export type BatchOptions<Item, Answer> = {
  /** One call for all of them; answers in their order. */
  readonly run: (items: readonly Item[]) => Promise<readonly Answer[]>
  /** Calls under way at once. */
  readonly calls: number
  /** Items that leave together. */
  readonly most: number
  /** Items kept waiting before the next is refused. */
  readonly waiting: number
}

/**
 * Items that arrive while calls are under way leave together in the next one; an idle one leaves at once. An error in a batch
 * of several is looked into one by one, so that none takes its neighbours with it.
 */
export function openBatches<Item, Answer>({ run, calls, most, waiting }: BatchOptions<Item, Answer>): (item: Item) => Promise<Answer> {
  type Waiting = { readonly item: Item; readonly resolve: (answer: Answer) => void; readonly reject: (error: unknown) => void }
  const queue: Waiting[] = []
  let underWay = 0

  async function send(batch: readonly Waiting[]): Promise<void> {
    try {
      const answers = await run(batch.map((w) => w.item))
      if (answers.length !== batch.length) throw new Error(`${answers.length} answers to ${batch.length}`)
      // As many as there are items.
      batch.forEach(({ resolve }, i) => resolve(answers[i] as Answer))
    } catch (error) {
      if (batch.length === 1 || (error instanceof Fault && error.kind === 'wait')) for (const { reject } of batch) reject(error)
      else for (const one of batch) await send([one])
    }
  }

  function pump(): void {
    while (underWay < calls && queue.length > 0) {
      underWay++
      void send(queue.splice(0, most)).finally(() => {
        underWay--
        pump()
      })
    }
  }

  return (item) => {
    if (queue.length >= waiting) return Promise.reject(new Fault('wait', 'too many calls wait for the database'))
    return new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject })
      // After whatever else arrived in this turn of the event loop, so that it comes along.
      if (queue.length === 1) setImmediate(pump)
    })
  }
}
