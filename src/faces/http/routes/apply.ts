import { applyDocuments } from '../../../operations/apply-documents.ts'
import type { Context } from '../../../operations/context.ts'
import { documentBatch } from '../../../operations/document-batch.ts'
import { documentFormats, sendValue } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import { acceptYaml, jsonOrYaml } from '../bodies.ts'
import type { HttpApp } from '../http-app.ts'
import { judgeBodyAs } from '../judge.ts'
import { bodyRefusals, documentTypes, operation } from '../operation.ts'
import { applied, batchInput, dryRunQuery } from '../schemas/document.ts'

/** An instance of its own: a YAML stream is the list of its documents here, and one document elsewhere. */
export async function applyRoutes(app: HttpApp, context: Context): Promise<void> {
  acceptYaml(app, (documents) => ({ documents }))
  const schema = {
    ...operation({
      id: 'applyDocuments',
      tag: 'Documents',
      summary: 'Apply documents',
      description: 'All of them or none, as a list or as a YAML stream. Each is checked whole, together with everything that refers to it.',
      answers: { 200: { description: 'What became of each.', schema: applied, types: documentTypes } },
      refuses: ['invalid-document', 'plaintext-secret', 'version-exists', 'in-use', ...bodyRefusals],
      accepts: jsonOrYaml,
    }),
    body: batchInput,
    querystring: dryRunQuery,
  }
  app.post(
    '/apply',
    { schema, config: { offers: documentFormats, accepts: jsonOrYaml }, validatorCompiler: judgeBodyAs(documentBatch) },
    async (request, reply) => {
      const { documents } = request.body
      return sendValue(
        request,
        reply,
        await applyDocuments(context, callerOf(request), { documents, dryRun: request.query.dryRun ?? false }),
      )
    },
  )
}
