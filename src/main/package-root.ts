import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Purser's own folder, with prisma/migrations and examples in it: above src/main as well as above dist. */
export function packageRoot(): string {
  for (let dir = import.meta.dirname; dir !== dirname(dir); dir = dirname(dir)) {
    if (existsSync(join(dir, 'prisma/migrations'))) return dir
  }
  throw new Error('Purser is not installed whole: prisma/migrations is missing')
}
