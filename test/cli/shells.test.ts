import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { fakeApiPerTest } from './run-cli.ts'

/** The scripts of `purser completion`, each in its own shell on a terminal of its own, with a finger on the Tab key. */

const api = fakeApiPerTest()
const installed = (program: string) => (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)))
const terminal = installed('script')

/** How each starts, with the script in `completion` of its home. */
const shells: Readonly<Record<string, { readonly start: string; readonly rc: string; readonly text: string }>> = {
  bash: { start: 'bash --noprofile --rcfile rc -i', rc: 'rc', text: 'source ./completion\n' },
  zsh: { start: 'zsh -d -i', rc: '.zshrc', text: 'autoload -Uz compinit && compinit -u -D\nsource ./completion\n' },
  fish: { start: "fish --no-config --init-command 'source ./completion' --interactive", rc: 'rc', text: '' },
}

const lacking = Object.keys(shells).filter((shell) => !terminal || !installed(shell))
if (lacking.length > 0)
  process.stderr.write(`${terminal ? '' : 'script(1) and '}${lacking.join(', ')} not installed: completion is NOT tried there\n`)

for (const [shell, { start, rc, text }] of Object.entries(shells))
  test.skipIf(lacking.includes(shell))(`Tab in ${shell} completes commands, blueprints, parameters and teams`, async () => {
    const parameters = { properties: { size: {}, storageGB: {} } }
    const bodies: Readonly<Record<string, unknown>> = {
      '/v1/teams': { items: [{ metadata: { name: 'payments' } }, { metadata: { name: 'platform' } }] },
      '/v1/blueprints': { items: [{ metadata: { name: 'postgres' } }, { metadata: { name: 'secret' } }] },
      '/v1/blueprints/postgres': { kind: 'Blueprint', metadata: { name: 'postgres' }, spec: { parameters } },
    }
    api.answer = ({ path }) => ({ body: bodies[path] })
    const home = api.directory
    writeFileSync(join(home, 'completion'), (await api.purser(['completion', shell])).stdout)
    writeFileSync(join(home, rc), text)
    mkdirSync(join(home, 'bin'))
    const said = join(home, 'said')
    // Completes as the command does, and of what is asked for it writes down the words.
    const main = join(import.meta.dirname, '../../src/main.ts')
    writeFileSync(
      join(home, 'bin/purser'),
      `#!/bin/sh\n[ "$1" = __complete ] && exec '${process.execPath}' --import '${import.meta.resolve('tsx')}' '${main}' "$@"\nprintf '%s\\n' "$@" > '${said}.new'; mv '${said}.new' '${said}'\n`,
      { mode: 0o755 },
    )

    const { PATH = '' } = process.env
    const child = spawn('script', ['-qec', start, '/dev/null'], {
      cwd: home,
      env: {
        PATH: `${join(home, 'bin')}:${PATH}`,
        HOME: home,
        ZDOTDIR: home,
        TERM: 'xterm',
        PURSER_URL: api.url,
        PURSER_TOKEN: 'secret-token',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let screen = ''
    child.stdout.on('data', (chunk: Buffer) => (screen += String(chunk)))
    // What is typed ahead of the shell waits in the terminal, as it does for people.
    child.stdin.write('purser pl\tcreate pos\tdb si\tm --team pay\t\r')

    await vi.waitFor(() => expect(existsSync(said), screen).toBe(true), { timeout: 20_000, interval: 50 })
    child.stdin.end('exit\r')
    expect(readFileSync(said, 'utf8').trim().split('\n')).toEqual(['plan', 'create', 'postgres', 'db', 'size=m', '--team', 'payments'])
    child.kill('SIGKILL')
  })
