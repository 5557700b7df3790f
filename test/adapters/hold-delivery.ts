/** A worker process of its own that takes one delivery, says so, and holds it until it is killed. */
import type { QueueConnection } from '../../src/adapters/queue/connection.ts'
import { startDeliveryWorker } from '../../src/adapters/queue/delivery-worker.ts'

// What the test that started this has written itself.
const connection = JSON.parse(process.argv[2] ?? '') as QueueConnection
await startDeliveryWorker(
  connection,
  { warn: () => undefined },
  {
    deliver: () => new Promise(() => process.stdout.write('started\n')),
    sweep: async () => undefined,
    sweepEveryMs: 600_000,
  },
)
