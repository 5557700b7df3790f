import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { problemDocument } from '../core/problem.ts'
import { parseYamlDocuments } from '../core/yaml.ts'
import { applyDocuments } from '../operations/apply-documents.ts'
import type { Caller } from '../operations/caller.ts'
import type { Context } from '../operations/context.ts'
import type { Log } from './log.ts'
import { packageRoot } from './package-root.ts'

/** Applies examples/platform to an installation that has no document yet; another is left as it is. */
export async function applyExamples(context: Context, administrator: Caller, log: Log): Promise<void> {
  const platform = await context.platform()
  if (platform.revision > 0n) return
  const directory = join(packageRoot(), 'examples/platform')
  const files = (await readdir(directory)).filter((name) => name.endsWith('.yaml')).sort()
  const documents = await Promise.all(
    files.map(async (name) => {
      const parsed = parseYamlDocuments(await readFile(join(directory, name), 'utf8'))
      if (!parsed.ok) throw new Error(`examples/platform/${name} is no YAML: ${JSON.stringify(parsed.problem)}`)
      return parsed.value
    }),
  )
  const applied = await applyDocuments(context, administrator, { documents: documents.flat(), dryRun: false })
  if (!applied.ok) throw new Error(`examples/platform cannot be applied: ${JSON.stringify(problemDocument(applied.problem))}`)
  log.info({ documents: documents.flat().length }, 'the example platform is applied')
}
