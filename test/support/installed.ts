import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { buildClient } from '../../scripts/build-client.ts'

const root = join(import.meta.dirname, '../..')

/** A folder of somebody who has the package installed, with its client as it is in the source, and has copied its examples. */
export async function installIn(folder: string): Promise<void> {
  const installed = join(folder, 'node_modules/purser')
  mkdirSync(installed, { recursive: true })
  cpSync(join(root, 'package.json'), join(installed, 'package.json'))
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true })
  await buildClient(join(installed, 'dist/client'))
}

/** Whether the examples in bash can be run here. */
export function hasJq(): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((place) => existsSync(join(place, 'jq')))
}
