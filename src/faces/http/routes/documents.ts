import { kinds, type Kind } from '../../../core/document/document.ts'
import { putDocument } from '../../../operations/apply-documents.ts'
import type { Context } from '../../../operations/context.ts'
import { plainQuery, serviceQuery } from '../../../operations/list-queries.ts'
import { listDocuments, listDocumentVersions, readDocument } from '../../../operations/read-documents.ts'
import { deleteDocument } from '../../../operations/retire-document.ts'
import { documentFormats, sendPage, sendThing } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import { acceptYaml, jsonOrYaml, onlyDocument } from '../bodies.ts'
import type { HttpApp } from '../http-app.ts'
import { judgeLater } from '../judge.ts'
import { bodyRefusals, documentTypes, etag, operation, thing } from '../operation.ts'
import { readPaging } from '../paging.ts'
import { sendProblem } from '../problems.ts'
import { documentSchemas, documentVersionPage, dryRunQuery } from '../schemas/document.ts'
import { namePath } from '../schemas/path.ts'

/** The same six routes for every kind of document. An instance of its own, since bodies may be YAML here. */
export async function documentRoutes(app: HttpApp, context: Context): Promise<void> {
  acceptYaml(app, onlyDocument)
  for (const kind of Object.keys(kinds) as Kind[]) {
    // The keys of a table over Kind.
    readRoutes(app, context, kind)
    writeRoutes(app, context, kind)
  }
}

const config = { offers: documentFormats, accepts: jsonOrYaml }
/** The kinds without which something else could not be. */
const needed: readonly Kind[] = ['Team', 'Environment', 'Blueprint']

function readRoutes(app: HttpApp, context: Context, kind: Kind): void {
  const { path } = kinds[kind]
  const { answer, page } = documentSchemas[kind]
  const list = {
    ...operation({
      id: `list${kind}Documents`,
      tag: 'Documents',
      summary: `List ${path}`,
      description: 'By name.',
      answers: { 200: { description: `A page of ${path}.`, schema: page, types: documentTypes } },
    }),
    querystring: kind === 'Service' ? serviceQuery : plainQuery,
  }
  app.get(`/${path}`, { schema: list, config }, async (request, reply) => {
    const { filter, page: asked } = readPaging(request.query)
    return sendPage(request, reply, await listDocuments(context, callerOf(request), kind, filter, asked))
  })

  const read = {
    ...operation({
      id: `read${kind}Document`,
      tag: 'Documents',
      summary: `Read a ${kind}`,
      description: kind === 'Blueprint' ? 'The version that its name stands for; another one as `name@1.2.0`.' : 'As it is in force.',
      ...thing({ description: `The ${kind}.`, schema: answer, types: documentTypes }),
      refuses: ['not-found'],
    }),
    params: namePath,
  }
  app.get(`/${path}/:name`, { schema: read, config }, async (request, reply) => {
    const found = await readDocument(context, callerOf(request), kind, request.params.name)
    return found.ok
      ? sendThing(request, reply, { ok: true, value: found.value.document }, found.value.etag)
      : sendProblem(reply, found.problem)
  })

  const versions = {
    ...operation({
      id: `list${kind}Versions`,
      tag: 'Documents',
      summary: `List the versions of a ${kind}`,
      description: 'Every revision that was ever applied, newest first, and who applied it.',
      answers: { 200: { description: 'A page of versions.', schema: documentVersionPage, types: documentTypes } },
      refuses: ['not-found'],
    }),
    params: namePath,
    querystring: plainQuery,
  }
  app.get(`/${path}/:name/versions`, { schema: versions, config }, async (request, reply) => {
    const { page: asked } = readPaging(request.query)
    return sendPage(request, reply, await listDocumentVersions(context, callerOf(request), kind, request.params.name, asked))
  })
}

function writeRoutes(app: HttpApp, context: Context, kind: Kind): void {
  const { path } = kinds[kind]
  const { input, answer } = documentSchemas[kind]
  const ifMatch = { 'If-Match': 'The ETag that the document must still have.' }
  const put = {
    ...operation({
      id: `put${kind}Document`,
      tag: 'Documents',
      summary: `Apply a ${kind}`,
      description: 'Checked whole, together with everything that refers to it. What is as it was changes nothing.',
      headers: ifMatch,
      answers: {
        200: { description: 'Changed, or as it was.', schema: answer, types: documentTypes, headers: etag },
        201: { description: 'Created.', schema: answer, types: documentTypes, headers: { ...etag, Location: 'Where it is.' } },
      },
      refuses: [
        'invalid-document',
        'plaintext-secret',
        'precondition-failed',
        ...(kind === 'Blueprint' ? ['version-exists' as const] : []),
        ...(kind === 'Environment' ? ['in-use' as const] : []),
        ...bodyRefusals,
      ],
      accepts: jsonOrYaml,
    }),
    params: namePath,
    querystring: dryRunQuery,
    body: input,
  }
  app.put(`/${path}/:name`, { schema: put, config, validatorCompiler: judgeLater }, async (request, reply) => {
    const { name } = request.params
    const done = await putDocument(context, callerOf(request), kind, name, request.body, {
      dryRun: request.query.dryRun ?? false,
      ifMatch: request.headers['if-match'] ?? null,
    })
    if (!done.ok) return sendProblem(reply, done.problem)
    if (done.value.created) reply.code(201).header('location', `/v1/${path}/${name}`)
    return sendThing(request, reply, { ok: true, value: done.value.document }, done.value.etag)
  })

  const remove = {
    ...operation({
      id: `delete${kind}Document`,
      tag: 'Documents',
      summary: `Delete a ${kind}`,
      description: 'Takes it out of force, unless something needs it. Its versions stay in the history.',
      headers: ifMatch,
      answers: { 204: { description: 'It is gone.' } },
      refuses: ['not-found', ...(needed.includes(kind) ? ['in-use' as const] : []), 'precondition-failed', ...bodyRefusals],
    }),
    params: namePath,
    querystring: dryRunQuery,
  }
  app.delete(`/${path}/:name`, { schema: remove, config }, async (request, reply) => {
    const done = await deleteDocument(context, callerOf(request), kind, request.params.name, {
      dryRun: request.query.dryRun ?? false,
      ifMatch: request.headers['if-match'] ?? null,
    })
    return done.ok ? reply.code(204).send() : sendProblem(reply, done.problem)
  })
}
