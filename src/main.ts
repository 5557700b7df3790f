#!/usr/bin/env node
import { clientEnvironment } from './config.ts'

/**
 * The `purser` command. Commands of a server are run here; everything else is a client over HTTP and loads no server:
 * each import below is a file of its own in the bundle, so the shell waits only for what it asked for.
 */
async function main(argv: readonly string[]): Promise<number> {
  const [command = '', ...rest] = argv
  if (!rest.includes('--help') && !rest.includes('-h')) {
    switch (command) {
      case 'serve':
        return (await import('./main/serve.ts')).serve(rest)
      case 'work':
        return (await import('./main/work.ts')).work(rest)
      case 'migrate':
        return (await import('./main/migrate-command.ts')).migrateCommand(rest)
      case 'config':
        return (await import('./main/config-command.ts')).configCommand(rest)
      case 'doctor':
        return (await import('./main/doctor.ts')).doctor(rest)
    }
  }
  const { runCli } = await import('./cli/cli.ts')
  return runCli(argv, { env: clientEnvironment(), stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, onInterrupt })
}

function onInterrupt(stop: () => void): () => void {
  process.once('SIGINT', stop)
  return () => void process.off('SIGINT', stop)
}

// A reader that has seen enough (`purser requests | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

// The exit code is set, not forced, where output may still be on its way down a pipe; a server ends itself (see `run`).
process.exitCode = await main(process.argv.slice(2))
