import { Option, type Command } from 'commander'
import { collect, parseCount } from './options.ts'
import type { PageOptions } from './pages.ts'
import type { AddOptions } from './schemas.ts'
import { asking, doneHelp, type Start } from './start.ts'

/** What clusters know of kinds. */
export function addSchemaCommands(program: Command, start: Start): void {
  const schemas = program.command('schemas').helpGroup(asking).description('list the kinds that plans are judged by, or add some')
  schemas
    .helpCommand(false)
    .addOption(new Option('--first <n>', 'at most so many').argParser(parseCount).conflicts('all'))
    .option('--all', 'all, however many')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser schemas --all`)
    .action((options: PageOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { listSchemas } = await import('./schemas.ts')
        return await listSchemas(context, options)
      }),
    )
  schemas
    .command('add')
    .description("add what Kubernetes' CustomResourceDefinitions say of their kinds")
    .addOption(definitionFiles())
    .addOption(fromCluster())
    .option('--dry-run', 'answer the same, store nothing')
    .addHelpText(
      'after',
      '\nExit codes:\n  0 all added  1 one is refused  2 usage\n\nExample:\n  purser schemas add -f crds/\n  purser schemas add --from-cluster prod --dry-run',
    )
    .action((options: AddOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { addSchemas } = await import('./schemas.ts')
        return await addSchemas(context, options)
      }),
    )
}

/** Where definitions are: in files, */
export function definitionFiles(): Option {
  return new Option('-f, --file <path>', 'file, directory (*.yaml, *.yml, *.json below it) or - (repeatable)').argParser(collect)
}

/** or in a cluster. */
export function fromCluster(): Option {
  return new Option('--from-cluster <environment>', 'instead: the cluster of this environment, which the server reads').conflicts('file')
}
