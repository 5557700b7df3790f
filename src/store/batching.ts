import { Fault } from '../core/fault.ts'

export type BatchOptions<Item, Answer> = {
  /** One call for all of them; answers in their order. */
  readonly run: (items: readonly Item[]) => Promise<readonly Answer[]>
  /** Calls under way at once: one, and others as soon as there are `enough` items for another, or a call takes long. */
  readonly calls: number
  /** A full call's, where nothing is said. */
  readonly enough?: number
  /** Items that leave together, */
  readonly most: number
  /** and as much of what `weigh` says of them; a heavier one leaves alone. */
  readonly heaviest?: number
  readonly weigh?: (item: Item) => number
  /** Items kept waiting before the next is refused. */
  readonly waiting: number
}

/** A call that has not answered after so long waits for a lock, or for a server that is gone: nobody should wait behind it. */
const LATE_MS = 50

/**
 * Items that arrive while calls are under way leave together in the next one; an idle one leaves at once. An error in a batch
 * of several is looked into one by one, so that none takes its neighbours with it.
 */
export function openBatches<Item, Answer>(options: BatchOptions<Item, Answer>): (item: Item) => Promise<Answer> {
  const { run, calls, most, enough = most, waiting, heaviest = Infinity, weigh = () => 0 } = options
  type Waiting = { readonly item: Item; readonly resolve: (answer: Answer) => void; readonly reject: (error: unknown) => void }
  const queue: Waiting[] = []
  let underWay = 0
  let late = 0

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

  function takeBatch(): readonly Waiting[] {
    let count = 0
    let weight = 0
    for (const { item } of queue.slice(0, most)) {
      weight += weigh(item)
      if (count > 0 && weight > heaviest) break
      count++
    }
    return queue.splice(0, count)
  }

  function pump(): void {
    while (queue.length > 0 && underWay < calls && (underWay === late || queue.length >= enough)) call(takeBatch())
  }

  function call(batch: readonly Waiting[]): void {
    underWay++
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      late++
      pump()
    }, LATE_MS)
    void send(batch).finally(() => {
      clearTimeout(timer)
      underWay--
      if (isLate) late--
      pump()
    })
  }

  return (item) => {
    if (queue.length >= waiting) return Promise.reject(new Fault('wait', 'too many calls wait for the database'))
    return new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject })
      // After whatever else arrived in this turn of the event loop, so that it comes along.
      if (queue.length === 1 || queue.length === enough) setImmediate(pump)
    })
  }
}
