import { Option, type Command } from 'commander'
import type { ImportOptions } from './blueprints-import.ts'
import type { BudgetsOptions } from './get.ts'
import { parseCount } from './options.ts'
import type { PageOptions } from './pages.ts'
import type { ResourcesOptions } from './resources.ts'
import { definitionFiles, fromCluster } from './schema-commands.ts'
import { asking, doneHelp, type Start } from './start.ts'

/** What shows what there is. */
export function addReadingCommands(program: Command, start: Start): void {
  paged(program.command('resources').helpGroup(asking).description('list what exists, or show one'))
    .argument('[name-or-id]', 'a resource')
    .option('--team <team>', 'of this team')
    .option('--env <environment>', 'in this environment')
    .option('--blueprint <name>', 'made by this blueprint')
    .option('--status <status>', 'with this status; deleted ones show only so')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser resources orders-db --env prod`)
    .action((which: string | undefined, options: ResourcesOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { resources } = await import('./resources.ts')
        return await resources(context, which, options)
      }),
    )
  paged(program.command('budgets').helpGroup(asking).description('show what is left of the budgets, or of one'))
    .argument('[name]', 'a budget')
    .option('--ledger', 'with a name: how that came to be, oldest first')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser budgets payments-prod --ledger`)
    .action((name: string | undefined, options: BudgetsOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { budgets } = await import('./get.ts')
        return await budgets(context, name, options)
      }),
    )
  const blueprints = program.command('blueprints').helpGroup(asking).description('list what may be asked for, or show what one takes')
  addImport(blueprints, start)
  paged(blueprints)
    .argument('[name]', 'a blueprint, or name@version')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser blueprints postgres`)
    .action((name: string | undefined, options: PageOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { blueprints } = await import('./get.ts')
        return await blueprints(context, name, options)
      }),
    )
  paged(program.command('get').helpGroup(asking).description('list documents of a kind, or show one as YAML'))
    .argument('<kind>', 'environments, teams, blueprints, policies, budgets, services or trusts')
    .argument('[name]', 'one of them')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser get policy databases -o yaml`)
    .action((kind: string, name: string | undefined, options: PageOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { get } = await import('./get.ts')
        return await get(context, kind, name, options)
      }),
    )
  const gitops = program.command('gitops').helpGroup(asking).description('look at the GitOps branches')
  gitops.helpCommand(false).addHelpText('after', '\nExample:\n  purser gitops verify')
  gitops
    .command('verify')
    .description('prove every commit against the plan that was approved, and that none is missing')
    .addHelpText(
      'after',
      '\nExit codes:\n  0 all proven, none missing  1 not so, or refused  2 usage\n\nExample:\n  purser gitops verify -o json',
    )
    .action((_: unknown, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { verifyGitops } = await import('./gitops.ts')
        return await verifyGitops(context)
      }),
    )
  program
    .command('completion')
    .helpGroup(asking)
    .description('print what makes a shell complete commands, teams, blueprints, resources')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText(
      'after',
      `\n${doneHelp}\n\nExample:\n  purser completion bash >> ~/.bashrc\n  purser completion zsh >> ~/.zshrc   # after compinit\n  purser completion fish > ~/.config/fish/completions/purser.fish`,
    )
    .action((shell: string, _: unknown, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { completion } = await import('./completion.ts')
        return await completion(context, shell)
      }),
    )
}

function addImport(blueprints: Command, start: Start): void {
  blueprints.helpCommand(false)
  blueprints
    .command('import')
    .description("make blueprints of Crossplane's CompositeResourceDefinitions")
    .addOption(definitionFiles())
    .addOption(fromCluster())
    .option('--price <price>', 'free, or CEL that yields the price of a month; what has a price keeps it')
    .option('--dry-run', 'answer the same, store nothing')
    .addHelpText(
      'after',
      '\nExit codes:\n  0 all imported  1 one is refused  2 usage\n\nExample:\n  purser blueprints import -f xrd.yaml --dry-run\n  purser blueprints import --from-cluster prod',
    )
    .action((options: ImportOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { importBlueprints } = await import('./blueprints-import.ts')
        return await importBlueprints(context, options)
      }),
    )
}

function paged(command: Command): Command {
  return command
    .addOption(new Option('--first <n>', 'at most so many').argParser(parseCount).conflicts('all'))
    .option('--all', 'all, however many')
}
