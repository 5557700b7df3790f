import { Command, CommanderError, Option } from 'commander'
import { requestStates } from '../core/request.ts'
import type { ApplyOptions } from './apply.ts'
import type { ApproveOptions } from './approve.ts'
import { Unreachable } from './client.ts'
import { openContext, type Context } from './context.ts'
import { exits, type Io } from './io.ts'
import { collect, parseCount, parseTimeout } from './options.ts'
import type { PlanOptions } from './plan.ts'
import type { RejectOptions } from './reject.ts'
import type { RequestOptions } from './request.ts'
import type { RequestsOptions } from './requests.ts'
import { serverCommands } from './server-commands.ts'
import { formats, readSettings, type GlobalOptions } from './settings.ts'
import { visible } from './text.ts'

/**
 * The `purser` command as far as it is a client. Resolves to the exit code; never ends the process, so that output is
 * written out. Each command's module is loaded only when it runs: the shell waits for every import.
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  let exit: number = exits.reached
  const program = describeProgram(io, (code) => {
    exit = code
  })
  try {
    await program.parseAsync(argv.map(spellWait), { from: 'user' })
    return exit
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exits.reached : exits.usage
    if (!(error instanceof Unreachable)) throw error
    io.stderr.write(`${visible(error.message)}\n`)
    return exits.refused
  }
}

/** `--wait` alone is `--wait=committed`: else `--wait create …` would take the action for the state to wait for. */
function spellWait(word: string, index: number, argv: readonly string[]): string {
  return word === '--wait' && argv[index + 1] !== 'committed' ? '--wait=committed' : word
}

/** What a command's module does; it is given the context that the global options and the environment make. */
type Run = (context: Context) => Promise<number>

function describeProgram(io: Io, finish: (exit: number) => void): Command {
  const program = new Command('purser')
  const terminal = io.stdout.isTTY === true
  program
    .description('Ask for infrastructure; policy and budget answer; one request becomes one commit.')
    .option('--as <email>', 'act for this person (needs a token with scope impersonate)')
    .addOption(new Option('-o, --output <format>', 'how to answer').choices(formats).default('table'))
    .option('--no-color', 'no colours (so does NO_COLOR); there are none where the output is no terminal')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        io.stdout.write(text)
      },
      writeErr: (text) => {
        io.stderr.write(text)
      },
      getOutHelpWidth: () => (terminal ? (io.stdout.columns ?? 80) : 80),
      getErrHelpWidth: () => 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help says more)')
    .addHelpCommand(new Command('help').argument('[command]').description('show this, or what a command takes').helpGroup(asking))
    .addHelpText('after', environmentHelp)
  const start = async (options: GlobalOptions, run: Run): Promise<void> => {
    const settings = readSettings(options, io)
    if (settings.ok) return finish(await run(openContext(settings.value, io)))
    io.stderr.write(`${visible(settings.problem)}\n`)
    finish(exits.usage)
  }
  addApply(program, start)
  addPlan(program, start)
  addRequest(program, start)
  addRequests(program, start)
  addVotes(program, start)
  for (const { name, summary } of serverCommands) {
    program
      .command(name)
      .helpGroup('Commands of a server:')
      .description(summary)
      .action(() => {
        throw new Error(`${name} is main's to run`)
      })
  }
  return program
}

type Start = (options: GlobalOptions, run: Run) => Promise<void>

function addApply(program: Command, start: Start): void {
  program
    .command('apply')
    .helpGroup(asking)
    .description('apply documents: all of them or none')
    .addOption(
      new Option('-f, --file <path>', 'file, directory (*.yaml, *.yml, *.json below it) or - (repeatable)')
        .argParser(collect)
        .makeOptionMandatory(),
    )
    .option('--dry-run', 'answer the same, store nothing')
    .addHelpText('after', '\nExample:\n  purser apply -f examples/platform --dry-run')
    .action((options: ApplyOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { apply } = await import('./apply.ts')
        return await apply(context, options)
      }),
    )
}

const inputHelp = `
A change in words:
  create <blueprint> <name> key=value…
  update <name> key=value key=…
  delete <name>
Values are read as YAML scalars (600 is a number, true a boolean) or as JSON;
quoted they are text: version='"1.10"'. Dots nest (storage.size=10), \\. is a dot
in a name, and in an update key= removes the parameter.`

function addInput(command: Command): Command {
  return command
    .argument('[change...]', 'create, update or delete, and of what')
    .option('-f, --file <path>', 'a document of kind Request, or the body alone; - for standard input')
    .option('--team <team>', 'who asks')
    .option('--env <environment>', 'where')
    .option('--reason <text>', 'why')
    .option('--ttl <duration>', 'how long it is needed, as P14D (create)')
    .option('--blueprint <name@version>', 'move to another version (update)')
    .option('--overwrite', 'write over files that somebody else changed on the branch (update, delete)')
    .option('--plan-digest <digest>', 'refuse if the plan is no longer this one')
}

function addPlan(program: Command, start: Start): void {
  addInput(program.command('plan').helpGroup(asking).description('show what a request would do; nothing is stored'))
    .option('--files', 'show what the files would hold')
    .option('--exit-code', 'as git diff: 0 nothing would change, 1 something would; 3 denied, 2 usage, 128 anything else')
    .addHelpText(
      'after',
      `${inputHelp}\n\nExample:\n  purser plan create postgres orders-db --team payments --env prod \\
    size=m storageGB=600`,
    )
    .action((words: readonly string[], options: PlanOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { plan } = await import('./plan.ts')
        return await plan(context, words, options)
      }),
    )
}

function addRequest(program: Command, start: Start): void {
  addInput(program.command('request').helpGroup(asking).description('ask for it'))
    .option('--idempotency-key <key>', 'asked again with the same key, it is the same request (default: a new key)')
    .addOption(new Option('--wait [state]', 'follow it until it is committed, or will never be').choices(['committed']))
    .addOption(new Option('--timeout <duration>', 'how long --wait waits').argParser(parseTimeout).default(600_000, '10m'))
    .addHelpText(
      'after',
      `${inputHelp}\n\n${exitHelp}\n\nExample:\n  purser request create postgres orders-db --team payments --env prod \\
    size=m --reason 'orders go live' --wait --timeout 5m`,
    )
    .action((words: readonly string[], options: RequestOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { request } = await import('./request.ts')
        return await request(context, words, options)
      }),
    )
}

function addRequests(program: Command, start: Start): void {
  program
    .command('requests')
    .helpGroup(asking)
    .description('list requests, newest first, or show one')
    .argument('[id]', 'a request, req_…')
    .option('--diff', 'with an id: what it changes in the files')
    .option('--team <team>', 'of this team')
    .option('--env <environment>', 'in this environment')
    .addOption(new Option('--state <state>', 'in this state').choices(requestStates))
    .option('--requester <email>', 'asked for by this person')
    .option('--resource <name>', 'that change this resource')
    .addOption(new Option('--awaiting <who>', 'that wait for your approval').choices(['me']))
    .addOption(new Option('--first <n>', 'at most so many').argParser(parseCount).conflicts('all'))
    .option('--all', 'all, however many')
    .addHelpText('after', '\nExample:\n  purser requests --awaiting me')
    .action((id: string | undefined, options: RequestsOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { requests } = await import('./requests.ts')
        return await requests(context, id, options)
      }),
    )
}

function addVotes(program: Command, start: Start): void {
  program
    .command('approve')
    .helpGroup(asking)
    .description('approve exactly the plan that you saw')
    .argument('<id>', 'the request')
    .option('--digest <digest>', 'the plan that you saw; without it, it is shown here and you are asked')
    .option('--comment <text>', 'what you want to say')
    .addHelpText('after', '\nExample:\n  purser approve req_01h2xcejqtf2nbrexx3vqjhp41')
    .action((id: string, options: ApproveOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { approve } = await import('./approve.ts')
        return await approve(context, id, options)
      }),
    )
  program
    .command('reject')
    .helpGroup(asking)
    .description('say no; one is enough')
    .argument('<id>', 'the request')
    .requiredOption('--comment <text>', 'why')
    .addHelpText('after', "\nExample:\n  purser reject req_01h2xcejqtf2nbrexx3vqjhp41 --comment 'half of it will do'")
    .action((id: string, options: RejectOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { reject } = await import('./reject.ts')
        return await reject(context, id, options)
      }),
    )
  program
    .command('cancel')
    .helpGroup(asking)
    .description('take a request back, until delivery has begun')
    .argument('<id>', 'the request')
    .addHelpText('after', '\nExample:\n  purser cancel req_01h2xcejqtf2nbrexx3vqjhp41')
    .action((id: string, _: unknown, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { cancel } = await import('./cancel.ts')
        return await cancel(context, id)
      }),
    )
}

const asking = 'Commands that ask a server:'

const exitHelp = `Exit codes:
  0 reached  1 refused  2 usage  3 denied
  4 rejected, cancelled or expired  5 failed  6 timed out`

const environmentHelp = `
Environment:
  PURSER_URL     the server (default http://127.0.0.1:8080)
  PURSER_TOKEN   who you are (default: what $PURSER_DATA/admin-token holds, but
                 only towards a server on this machine)
  PURSER_DATA    where a server on this machine keeps its data (default ./.purser)

${exitHelp}

Example:
  purser plan create postgres orders-db --team payments --env prod size=m`
