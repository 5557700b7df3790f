import { Command, CommanderError, Option } from 'commander'
import { addAskingCommands } from './asking-commands.ts'
import { addAccountCommands } from './account-commands.ts'
import { Unreachable } from './client.ts'
import { openContext } from './context.ts'
import { NoToken } from './credential.ts'
import { addIdentityCommands } from './identity-commands.ts'
import { exits, type Io } from './io.ts'
import { addReadingCommands } from './reading-commands.ts'
import { addSchemaCommands } from './schema-commands.ts'
import { addServerCommands } from './server-commands.ts'
import { formats, readSettings } from './settings.ts'
import { asking, exitHelp, type Start } from './start.ts'
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
  const [first, ...words] = argv
  if (first === '__complete') {
    const { complete } = await import('./complete.ts')
    return await complete(program, words, io)
  }
  try {
    await program.parseAsync(argv.map(spellWait), { from: 'user' })
    return exit
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exits.reached : exits.usage
    if (!(error instanceof Unreachable) && !(error instanceof NoToken)) throw error
    io.stderr.write(`${visible(error.message)}\n`)
    return exits.refused
  }
}

const waitable: ReadonlySet<string> = new Set(['committed', 'ready'])

/** `--wait` alone is `--wait=committed`: else `--wait create …` would take the action for the state to wait for. */
function spellWait(word: string, index: number, argv: readonly string[]): string {
  return word === '--wait' && !waitable.has(argv[index + 1] ?? '') ? '--wait=committed' : word
}

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
  const start: Start = async (options, run) => {
    const settings = readSettings(options, io)
    if (settings.ok) return finish(await run(openContext(settings.value, io)))
    io.stderr.write(`${visible(settings.problem)}\n`)
    finish(exits.usage)
  }
  addAskingCommands(program, start)
  addReadingCommands(program, start)
  addSchemaCommands(program, start)
  addIdentityCommands(program, start)
  addAccountCommands(program, start)
  addServerCommands(program)
  return program
}

const environmentHelp = `
Environment:
  PURSER_URL     the server (default http://127.0.0.1:8080)
  PURSER_TOKEN   who you are (default: the job of a pipeline that this runs in,
                 by PURSER_ID_TOKEN or GitHub Actions; else who signed in by
                 purser login; else what $PURSER_DATA/admin-token holds, but
                 that only towards a server on this machine)
  PURSER_DATA    where a server on this machine keeps its data (default
                 ./.purser)

${exitHelp}

Example:
  purser plan create postgres orders-db --team payments --env prod size=m`
