import type { Context } from '../../../operations/context.ts'
import { readMe } from '../../../operations/read-me.ts'
import { permissionsQuery } from '../../../operations/list-queries.ts'
import { readPermissions } from '../../../operations/read-permissions.ts'
import { sendThing } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import type { HttpApp } from '../http-app.ts'
import { operation, thing } from '../operation.ts'
import { meSchema } from '../schemas/me.ts'
import { permissionsSchema } from '../schemas/permissions.ts'

export function meRoutes(app: HttpApp, context: Context): void {
  const schema = operation({
    id: 'readMe',
    tag: 'Caller',
    summary: 'Who am I?',
    description: 'The caller as Purser sees them, with roles and scopes.',
    ...thing({ description: 'The caller.', schema: meSchema }),
  })
  const permissions = {
    ...operation({
      id: 'readPermissions',
      tag: 'Caller',
      summary: 'What may I do?',
      description:
        'Each operation, whether the caller may, and which scope or role would do if not. With `team`: there. Without: what is about no team. docs/access.md has the whole table.',
      ...thing({ description: 'What they may.', schema: permissionsSchema }),
    }),
    querystring: permissionsQuery,
  }
  app.get('/me/permissions', { schema: permissions }, async (request, reply) =>
    sendThing(request, reply, await readPermissions(context, callerOf(request), request.query.team ?? null)),
  )
  app.get('/me', { schema }, async (request, reply) => sendThing(request, reply, await readMe(context, callerOf(request))))
}
