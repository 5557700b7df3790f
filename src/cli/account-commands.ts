import { Option, type Command } from 'commander'
import { collect, parseCount, parseLifetime } from './options.ts'
import type { PageOptions } from './pages.ts'
import type { CreateAccountOptions, ServiceAccountsOptions } from './service-accounts.ts'
import { asking, doneHelp, type Start } from './start.ts'
import type { CreateTokenOptions, RotateOptions } from './tokens.ts'

/** Programs with accounts of their own, and what they show. */
export function addAccountCommands(program: Command, start: Start): void {
  const accounts = program.command('service-accounts').helpGroup(asking).description('programs with accounts of their own')
  accounts.helpCommand(false).addHelpText('after', '\nExample:\n  purser service-accounts create payments-ci --team payments')
  paged(accounts.command('list').description('list those of your teams'))
    .option('--team <team>', 'of this team')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser service-accounts list --team payments`)
    .action((options: ServiceAccountsOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { listServiceAccounts } = await import('./service-accounts.ts')
        return await listServiceAccounts(context, options)
      }),
    )
  accounts
    .command('create')
    .description('make one for a team; whoever does has a part in what it asks')
    .argument('<name>', 'lower-case letters, digits and -; given once')
    .requiredOption('--team <team>', 'its owner, in which it acts as developer')
    .option('--description <text>', 'what it is for')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser service-accounts create payments-ci --team payments`)
    .action((name: string, options: CreateAccountOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { createServiceAccount } = await import('./service-accounts.ts')
        return await createServiceAccount(context, name, options)
      }),
    )
  accounts
    .command('delete')
    .description('take one out of use, and its tokens with it')
    .argument('<name>', 'which')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser service-accounts delete payments-ci`)
    .action((name: string, _: unknown, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { deleteServiceAccount } = await import('./service-accounts.ts')
        return await deleteServiceAccount(context, name)
      }),
    )
  addTokenCommands(program, start)
}

function addTokenCommands(program: Command, start: Start): void {
  const tokens = program.command('tokens').helpGroup(asking).description('tokens of service accounts')
  tokens.helpCommand(false).addHelpText('after', '\nExample:\n  purser tokens create payments-ci --scope read | pass insert -e purser/ci')
  paged(tokens.command('list').description("list an account's tokens, without the tokens themselves"))
    .argument('<account>', 'the service account')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser tokens list payments-ci`)
    .action((account: string, options: PageOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { listTokens } = await import('./tokens.ts')
        return await listTokens(context, account, options)
      }),
    )
  tokens
    .command('create')
    .description('issue a token; it alone is written to standard output, this once')
    .argument('<account>', 'the service account')
    .addOption(
      new Option('--scope <scope>', 'what it allows: read, requests:write, … (repeatable)').argParser(collect).makeOptionMandatory(),
    )
    .addOption(new Option('--impersonate <team>', "for this team's members, or '*' (repeatable)").argParser(collect))
    .addOption(lifetime())
    .addHelpText(
      'after',
      `\n${doneHelp}\n\nExample:\n  purser tokens create payments-ci --scope read --scope requests:write \\
    --expires-in 90d > token`,
    )
    .action((account: string, options: CreateTokenOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { createToken } = await import('./tokens.ts')
        return await createToken(context, account, options)
      }),
    )
  tokens
    .command('rotate')
    .description('issue the next one in the place of a token, which goes on for a while')
    .argument('<account>', 'the service account')
    .argument('<id>', 'the token to replace, tok_…')
    .addOption(new Option('--overlap <duration>', 'how long the old one goes on').argParser(parseLifetime).default(3_600_000, '1h'))
    .addOption(lifetime())
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser tokens rotate payments-ci tok_01jd8m0s6rf1tsg5xk3v9c2h4n > token`)
    .action((account: string, id: string, options: RotateOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { rotateToken } = await import('./tokens.ts')
        return await rotateToken(context, account, id, options)
      }),
    )
  tokens
    .command('revoke')
    .description('end a token, everywhere within a second')
    .argument('<account>', 'the service account')
    .argument('<id>', 'the token, tok_…')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser tokens revoke payments-ci tok_01jd8m0s6rf1tsg5xk3v9c2h4n`)
    .action((account: string, id: string, _: unknown, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { revokeToken } = await import('./tokens.ts')
        return await revokeToken(context, account, id)
      }),
    )
}

function lifetime(): Option {
  return new Option('--expires-in <duration>', 'how long it is good: 90d, 12h').argParser(parseLifetime).default(7_776_000_000, '90d')
}

function paged(command: Command): Command {
  return command
    .addOption(new Option('--first <n>', 'at most so many').argParser(parseCount).conflicts('all'))
    .option('--all', 'all, however many')
}
