/** The commands that `main` runs itself, without loading a client: a line for each, so that one help lists all. */
export const serverCommands = [
  { name: 'serve', summary: 'answer over HTTP (--work: deliver too, in the same process)' },
  { name: 'work', summary: 'deliver: commit what is released' },
  { name: 'migrate', summary: 'bring the database up to date' },
  { name: 'config', summary: 'print what is in force, secrets masked' },
  { name: 'doctor', summary: 'check roles, repository, clock and queue' },
] as const
