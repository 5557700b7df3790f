import { Type } from 'typebox'
import type { Context } from '../../../operations/context.ts'
import { plainQuery, serviceAccountQuery } from '../../../operations/list-queries.ts'
import {
  createServiceAccount,
  listServiceAccounts,
  readServiceAccount,
  retireServiceAccount,
} from '../../../operations/service-accounts.ts'
import { serviceAccountInput, tokenInput } from '../../../operations/token-input.ts'
import { createToken, listTokens, revokeToken } from '../../../operations/tokens.ts'
import { sendPage, sendThing, sendValue } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import type { HttpApp } from '../http-app.ts'
import { refuseContent } from '../judge.ts'
import { bodyRefusals, operation, thing } from '../operation.ts'
import { readPaging } from '../paging.ts'
import { sendProblem } from '../problems.ts'
import { createdToken, serviceAccount, serviceAccountPage, tokenPage } from '../schemas/service-account.ts'

const accountPath = Type.Object({ name: Type.String({ description: 'The service account’s name.', examples: ['payments-ci'] }) })
const tokenPath = Type.Object({
  name: Type.String({ description: 'The service account’s name.', examples: ['payments-ci'] }),
  id: Type.String({ description: '`tok_…`', examples: ['tok_01jd8m0s6rf1tsg5xk3v9c2h4n'] }),
})
const gone = { 204: { description: 'It is out of use, everywhere within a second.' } }

/** Programs with accounts of their own. */
export function serviceAccountRoutes(app: HttpApp, context: Context): void {
  const list = {
    ...operation({
      id: 'listServiceAccounts',
      tag: 'Service accounts',
      summary: 'List service accounts',
      description: 'Those in use of the caller’s teams, by name.',
      answers: { 200: { description: 'A page of service accounts.', schema: serviceAccountPage } },
    }),
    querystring: serviceAccountQuery,
  }
  app.get('/service-accounts', { schema: list }, async (request, reply) => {
    const { filter, page } = readPaging(request.query)
    return sendPage(request, reply, await listServiceAccounts(context, callerOf(request), filter, page))
  })

  const create = {
    ...operation({
      id: 'createServiceAccount',
      tag: 'Service accounts',
      summary: 'Create a service account',
      description:
        'Of a team, by its owner or an administrator, who has a part in whatever it asks from then on. Names are not given twice.',
      answers: { 201: { description: 'The service account.', schema: serviceAccount, headers: { Location: 'Where it is.' } } },
      refuses: ['in-use', 'plaintext-secret', ...bodyRefusals],
    }),
    body: serviceAccountInput,
  }
  app.post('/service-accounts', { schema: create }, async (request, reply) => {
    const made = await createServiceAccount(context, callerOf(request), request.body)
    if (made.ok) reply.code(201).header('location', `/v1/service-accounts/${request.body.name}`)
    return sendValue(request, reply, made)
  })

  const read = {
    ...operation({
      id: 'readServiceAccount',
      tag: 'Service accounts',
      summary: 'Read a service account',
      description: 'To whoever may read what its team has.',
      ...thing({ description: 'The service account.', schema: serviceAccount }),
      refuses: ['not-found'],
    }),
    params: accountPath,
  }
  app.get('/service-accounts/:name', { schema: read }, async (request, reply) =>
    sendThing(request, reply, await readServiceAccount(context, callerOf(request), request.params.name)),
  )

  const retire = {
    ...operation({
      id: 'retireServiceAccount',
      tag: 'Service accounts',
      summary: 'Retire a service account',
      description: 'Its tokens are revoked with it. Its name stays in the history, and is not given again.',
      answers: gone,
      refuses: ['not-found', ...bodyRefusals],
    }),
    params: accountPath,
  }
  app.delete('/service-accounts/:name', { schema: retire, preValidation: refuseContent }, async (request, reply) => {
    const retired = await retireServiceAccount(context, callerOf(request), request.params.name)
    return retired.ok ? reply.code(204).send() : sendProblem(reply, retired.problem)
  })
  issuedTokenRoutes(app, context)
}

function issuedTokenRoutes(app: HttpApp, context: Context): void {
  const list = {
    ...operation({
      id: 'listTokens',
      tag: 'Service accounts',
      summary: 'List the tokens of a service account',
      description: 'Newest first, those that are over too. To owners of its team, administrators and auditors.',
      answers: { 200: { description: 'A page of tokens, without the tokens themselves.', schema: tokenPage } },
      refuses: ['not-found'],
    }),
    params: accountPath,
    querystring: plainQuery,
  }
  app.get('/service-accounts/:name/tokens', { schema: list }, async (request, reply) => {
    const { page } = readPaging(request.query)
    return sendPage(request, reply, await listTokens(context, callerOf(request), request.params.name, page))
  })

  const create = {
    ...operation({
      id: 'createToken',
      tag: 'Service accounts',
      summary: 'Issue a token',
      description:
        'The token is in this answer alone. With `replaces` it takes the place of another one, which goes on for `overlap` seconds, so that nothing stands still meanwhile. The scope `impersonate` takes an administrator.',
      answers: { 201: { description: 'The token.', schema: createdToken } },
      refuses: ['not-found', ...bodyRefusals],
    }),
    params: accountPath,
    body: tokenInput,
  }
  app.post('/service-accounts/:name/tokens', { schema: create }, async (request, reply) => {
    const made = await createToken(context, callerOf(request), request.params.name, request.body)
    if (made.ok) reply.code(201).header('cache-control', 'no-store')
    return sendValue(request, reply, made)
  })

  const revoke = {
    ...operation({
      id: 'revokeToken',
      tag: 'Service accounts',
      summary: 'Revoke a token',
      description: 'At once, everywhere within a second. Again is the same.',
      answers: gone,
      refuses: ['not-found', ...bodyRefusals],
    }),
    params: tokenPath,
  }
  app.delete('/service-accounts/:name/tokens/:id', { schema: revoke, preValidation: refuseContent }, async (request, reply) => {
    const { name, id } = request.params
    const revoked = await revokeToken(context, callerOf(request), name, id)
    return revoked.ok ? reply.code(204).send() : sendProblem(reply, revoked.problem)
  })
}
