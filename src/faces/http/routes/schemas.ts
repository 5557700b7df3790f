import { Type } from 'typebox'
import { addSchemas } from '../../../operations/add-schemas.ts'
import type { Context } from '../../../operations/context.ts'
import { schemaQuery } from '../../../operations/list-queries.ts'
import { deleteSchema, listSchemas, readSchema } from '../../../operations/read-schemas.ts'
import { schemaAddition } from '../../../operations/schema-input.ts'
import { documentFormats, sendPage, sendThing, sendValue } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import { acceptYaml, jsonOrYaml } from '../bodies.ts'
import type { HttpApp } from '../http-app.ts'
import { judgeBodyAs, refuseContent } from '../judge.ts'
import { bodyRefusals, documentTypes, operation, thing } from '../operation.ts'
import { readPaging } from '../paging.ts'
import { sendProblem } from '../problems.ts'
import { dryRunQuery } from '../schemas/document.ts'
import { knownKindPage, knownKindWithSchema, schemaAdditionInput, schemasAdded } from '../schemas/kind-schema.ts'

const kindPath = Type.Object({
  group: Type.String({ description: 'The API group.', examples: ['db.example.com'] }),
  version: Type.String({ description: 'The version.', examples: ['v1'] }),
  kind: Type.String({ description: 'The kind.', examples: ['Database'] }),
})

/** What clusters know of kinds. An instance of its own: a YAML stream is the list of its definitions. */
export async function schemaRoutes(app: HttpApp, context: Context): Promise<void> {
  acceptYaml(app, (documents) => ({ documents }))
  const list = {
    ...operation({
      id: 'listSchemas',
      tag: 'Schemas',
      summary: 'List schemas',
      description: 'The kinds that plans are judged by, by group, kind and version.',
      answers: { 200: { description: 'A page of kinds.', schema: knownKindPage } },
    }),
    querystring: schemaQuery,
  }
  app.get('/schemas', { schema: list }, async (request, reply) => {
    const { filter, page } = readPaging(request.query)
    return sendPage(request, reply, await listSchemas(context, callerOf(request), filter, page))
  })

  const add = {
    ...operation({
      id: 'addSchemas',
      tag: 'Schemas',
      summary: 'Add schemas',
      description:
        'What CustomResourceDefinitions serve, as a list or as a YAML stream, or as the cluster of an environment has them. One that is refused says why and stops no other. Plans made from now on are judged by it. Only for administrators.',
      answers: { 200: { description: 'What became of each.', schema: schemasAdded, types: documentTypes } },
      refuses: ['invalid-document', ...bodyRefusals],
      accepts: jsonOrYaml,
    }),
    body: schemaAdditionInput,
    querystring: dryRunQuery,
  }
  app.post(
    '/schemas',
    { schema: add, config: { offers: documentFormats, accepts: jsonOrYaml }, validatorCompiler: judgeBodyAs(schemaAddition) },
    async (request, reply) =>
      sendValue(request, reply, await addSchemas(context, callerOf(request), { ...request.body, dryRun: request.query.dryRun ?? false })),
  )

  const read = {
    ...operation({
      id: 'readSchema',
      tag: 'Schemas',
      summary: 'Read a schema',
      description: 'One version of a kind, with its structural schema.',
      ...thing({ description: 'The kind.', schema: knownKindWithSchema }),
      refuses: ['not-found'],
    }),
    params: kindPath,
  }
  app.get('/schemas/:group/:version/:kind', { schema: read }, async (request, reply) =>
    sendThing(request, reply, await readSchema(context, callerOf(request), request.params)),
  )

  const remove = {
    ...operation({
      id: 'deleteSchema',
      tag: 'Schemas',
      summary: 'Delete a schema',
      description: 'Plans are not judged by it any more. Only for administrators.',
      answers: { 204: { description: 'It is gone.' } },
      refuses: ['not-found', ...bodyRefusals],
    }),
    params: kindPath,
  }
  app.delete('/schemas/:group/:version/:kind', { schema: remove, preValidation: refuseContent }, async (request, reply) => {
    const removed = await deleteSchema(context, callerOf(request), request.params)
    return removed.ok ? reply.code(204).send() : sendProblem(reply, removed.problem)
  })
}
