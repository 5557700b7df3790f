import { asApplied } from './answers.ts'
import { print, refused, unreadable, type Context } from './context.ts'
import { nameDocument, readDocuments, type SourcedDocument } from './documents.ts'
import { exits } from './io.ts'
import { renderApplied } from './render-apply.ts'
import { visible } from './text.ts'

export type ApplyOptions = { readonly file: readonly string[]; readonly dryRun?: boolean }

/** `purser apply`: all documents of the files in one call, stored together or not at all. */
export async function apply(context: Context, options: ApplyOptions): Promise<number> {
  const documents = await readDocuments(options.file, context.io)
  if (!documents.ok) return unreadable(context, documents.problem)
  const dryRun = options.dryRun === true

  const answer = await context.call({
    method: 'POST',
    path: dryRun ? '/v1/apply?dryRun=true' : '/v1/apply',
    body: { documents: documents.value.map((document) => document.content) },
    repeatable: true, // Applying the same documents again stores nothing new.
  })

  if (!answer.ok) return await refused(context, answer.refusal, (pointer) => visible(locate(pointer, documents.value)))
  await print(context, asApplied(answer.body), (applied, view) => renderApplied(applied, dryRun, view))
  return exits.reached
}

/** `/documents/3/spec/rules/0` → `Policy databases in policies.yaml: /spec/rules/0`. */
function locate(pointer: string, documents: readonly SourcedDocument[]): string {
  const [, head, index, ...rest] = pointer.split('/')
  const document = head === 'documents' && index !== undefined && /^\d{1,9}$/.test(index) ? documents[Number(index)] : undefined
  if (document === undefined) return pointer
  return rest.length === 0 ? nameDocument(document) : `${nameDocument(document)}: /${rest.join('/')}`
}
