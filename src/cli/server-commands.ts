import type { Command } from 'commander'

type ServerCommand = {
  readonly name: string
  readonly summary: string
  readonly options?: readonly (readonly [string, string])[]
  /** What its exit code says, and a line that can be typed. */
  readonly exits: string
  readonly example: string
}

const untilStopped = '0 stopped as it was told to  1 it could not go on  2 usage or configuration'

/** The commands that `main` runs itself, without loading a client: what is said of them, so that one help lists all. */
const serverCommands: readonly ServerCommand[] = [
  {
    name: 'serve',
    summary: 'answer over HTTP (--work: deliver too, in the same process)',
    options: [['--work', 'deliver too: one process is a whole installation']],
    exits: untilStopped,
    example: 'purser serve --work',
  },
  { name: 'work', summary: 'deliver: commit what is released', exits: untilStopped, example: 'PURSER_WORK_PORT=8081 purser work' },
  {
    name: 'migrate',
    summary: 'bring the database up to date',
    exits: '0 it is  1 it could not be  2 usage or configuration',
    example: 'purser migrate',
  },
  {
    name: 'config',
    summary: 'print what is in force, secrets masked',
    exits: '0 it is valid  2 it is not, or usage',
    example: 'PURSER_RATE_LIMIT=0 purser config',
  },
  {
    name: 'doctor',
    summary: 'check roles, repository, clock and queue',
    exits: '0 all works  1 something does not  2 usage or configuration',
    example: 'purser doctor',
  },
]

const environment = 'It is configured by the environment alone: `purser config` shows every variable.'

export function addServerCommands(program: Command): void {
  for (const { name, summary, options = [], exits, example } of serverCommands) {
    const command = program
      .command(name)
      .helpGroup('Commands of a server:')
      .description(summary)
      // They are no clients: whom to act for and how to print is nothing to them.
      .configureHelp({ showGlobalOptions: false })
      .addHelpText('after', `\n${environment}\n\nExit codes:\n  ${exits}\n\nExample:\n  ${example}`)
      .action(() => {
        throw new Error(`${name} is main's to run`)
      })
    for (const [flags, text] of options) command.option(flags, text)
  }
}
