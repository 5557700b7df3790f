import { pino } from 'pino'
import type { Context } from '../src/operations/context.ts'
import { buildApp } from '../src/faces/http/app.ts'

/** docs/openapi.json: what the routes say of themselves. Nothing is asked, so nothing has to run. */
export async function generateOpenapi(): Promise<string> {
  const app = await buildApp({ context: nobody, log: pino({ level: 'silent' }), rateLimit: 0, stopping: new AbortController().signal })
  const document = app.swagger()
  await app.close()
  return `${JSON.stringify(document, null, 2)}\n`
}

/** A context that no operation may look at. */
const nobody = new Proxy({} as Context, {
  get() {
    throw new Error('an operation was called while the API was described')
  },
})
