import { blueprintImport } from '../../../operations/blueprint-import.ts'
import type { Context } from '../../../operations/context.ts'
import { importBlueprints } from '../../../operations/import-blueprints.ts'
import { documentFormats, sendValue } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import { acceptYaml, jsonOrYaml } from '../bodies.ts'
import type { HttpApp } from '../http-app.ts'
import { judgeBodyAs } from '../judge.ts'
import { bodyRefusals, documentTypes, operation } from '../operation.ts'
import { blueprintImportInput, blueprintsImported } from '../schemas/blueprint-import.ts'
import { dryRunQuery } from '../schemas/document.ts'

/** An instance of its own, as for applying: a YAML stream is the list of its definitions. */
export async function importRoutes(app: HttpApp, context: Context): Promise<void> {
  acceptYaml(app, (documents) => ({ documents }))
  const schema = {
    ...operation({
      id: 'importBlueprints',
      tag: 'Documents',
      summary: 'Import blueprints',
      description:
        'Makes blueprints of CompositeResourceDefinitions of Crossplane, as a list or as a YAML stream. One that is refused says why and stops no other. Importing again makes a minor version of a compatible change, a major one of a breaking one. Only for administrators.',
      answers: { 200: { description: 'What became of each.', schema: blueprintsImported, types: documentTypes } },
      refuses: ['invalid-document', ...bodyRefusals],
      accepts: jsonOrYaml,
    }),
    body: blueprintImportInput,
    querystring: dryRunQuery,
  }
  app.post(
    '/blueprints/import',
    { schema, config: { offers: documentFormats, accepts: jsonOrYaml }, validatorCompiler: judgeBodyAs(blueprintImport) },
    async (request, reply) =>
      sendValue(
        request,
        reply,
        await importBlueprints(context, callerOf(request), { ...request.body, dryRun: request.query.dryRun ?? false }),
      ),
  )
}
