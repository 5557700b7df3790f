import { spawn } from 'node:child_process'
import type { Io } from './io.ts'

/** Whether somebody sits where a browser can be opened. Over SSH it would open where nobody looks. */
export function hasBrowser({ env, stderr }: Io): boolean {
  if (stderr.isTTY !== true || isSet(env.SSH_CONNECTION)) return false
  return (
    isSet(env.BROWSER) || isSet(env.DISPLAY) || isSet(env.WAYLAND_DISPLAY) || process.platform === 'darwin' || process.platform === 'win32'
  )
}

/** Opens an address in the browser; `failed` is called where there is no program to do it. No shell reads the address. */
export function openBrowser(url: string, io: Io, failed: () => void): void {
  const [program, ...args] = programFor(url, io.env)
  try {
    const child = spawn(program, args, { stdio: 'ignore', detached: true, env: io.env })
    child.once('error', failed)
    // It lives on after the command.
    child.unref()
  } catch {
    failed()
  }
}

function programFor(url: string, env: Io['env']): readonly [string, ...string[]] {
  // A list of commands, each of which may say where the address goes: xdg-open reads it so too.
  const [chosen = ''] = (env.BROWSER ?? '').split(':')
  const [program, ...words] = chosen.split(' ').filter((word) => word !== '')
  if (program !== undefined) return [program, ...(chosen.includes('%s') ? words.map((word) => word.replace('%s', url)) : [...words, url])]
  if (process.platform === 'darwin') return ['open', url]
  return process.platform === 'win32' ? ['rundll32', 'url.dll,FileProtocolHandler', url] : ['xdg-open', url]
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== ''
}
