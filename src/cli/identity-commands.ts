import { Option, type Command } from 'commander'
import type { CanIOptions } from './can-i.ts'
import type { LoginOptions } from './login.ts'
import { parseTimeout } from './options.ts'
import { asking, doneHelp, type Start } from './start.ts'
import type { TokenOptions } from './token.ts'

/** Who asks: what signs in, out, and shows as whom. */
export function addIdentityCommands(program: Command, start: Start): void {
  program
    .command('login')
    .helpGroup(asking)
    .description('sign in to the server of PURSER_URL')
    .addOption(new Option('--browser', 'with the browser of this machine (by default where there is one)').conflicts('device'))
    .option('--device', 'with a code, in a browser anywhere')
    .option('--issuer <url>', 'where, if the server knows several issuers')
    .addOption(new Option('--timeout <duration>', 'give up after: 90s, 10m').argParser(parseTimeout).default(600_000, '10m'))
    .addHelpText(
      'after',
      `\nExit codes:\n  0 signed in  1 refused  2 usage  6 timed out\n\nExample:\n  purser login\n  PURSER_URL=https://purser.example.com purser login --device`,
    )
    .action((options: LoginOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { login } = await import('./login.ts')
        return await login(context, options)
      }),
    )
  program
    .command('logout')
    .helpGroup(asking)
    .description('forget the sign-in to the server of PURSER_URL, also at its issuer')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser logout`)
    .action((_: unknown, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { logout } = await import('./logout.ts')
        return await logout(context)
      }),
    )
  program
    .command('whoami')
    .helpGroup(asking)
    .description('show who you are to the server, and what you may do where')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser whoami -o json`)
    .action((_: unknown, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { whoami } = await import('./whoami.ts')
        return await whoami(context)
      }),
    )
  program
    .command('can-i')
    .helpGroup(asking)
    .description('say whether you may do something, and what would do if not')
    .argument('[verb]', 'such as submit, approve, put-budget')
    .option('--team <team>', 'in this team')
    .option('--list', 'everything there is to do, with a team there')
    .addHelpText(
      'after',
      '\nExit codes:\n  0 yes, or listed  1 no, or refused  2 usage\n\nExample:\n  purser can-i approve --team dba\n  purser can-i --list --team payments',
    )
    .action((verb: string | undefined, options: CanIOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { canI } = await import('./can-i.ts')
        return await canI(context, verb, options)
      }),
    )
  program
    .command('token')
    .helpGroup(asking)
    .description("exchange the identity of a pipeline's job for a token that lives for minutes, and print it")
    .argument('[file]', "where the job's OIDC token is; - for standard input (default: PURSER_ID_TOKEN, else GitHub Actions is asked)")
    .option('--trust <name>', 'the Trust that is meant, where several take the job (default: PURSER_TRUST)')
    .option('--scope <scopes>', 'less than the Trust gives: read')
    .addHelpText(
      'after',
      `\n${doneHelp}\n\nOther commands do it by themselves in a job.\n\nExample:\n  purser token --scope read\n  PURSER_TOKEN=$(purser token) && export PURSER_TOKEN`,
    )
    .action((file: string | undefined, options: TokenOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { token } = await import('./token.ts')
        return await token(context, file, options)
      }),
    )
}
