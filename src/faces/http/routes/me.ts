import type { Context } from '../../../operations/context.ts'
import { readMe } from '../../../operations/read-me.ts'
import { sendThing } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import type { HttpApp } from '../http-app.ts'
import { operation, thing } from '../operation.ts'
import { meSchema } from '../schemas/me.ts'

export function meRoutes(app: HttpApp, context: Context): void {
  const schema = operation({
    id: 'readMe',
    tag: 'Caller',
    summary: 'Who am I?',
    description: 'The caller as Purser sees them, with roles and scopes.',
    ...thing({ description: 'The caller.', schema: meSchema }),
  })
  app.get('/me', { schema }, async (request, reply) => sendThing(request, reply, await readMe(context, callerOf(request))))
}
