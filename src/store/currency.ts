import type pg from 'pg'
import { only, run } from './database.ts'

/** The currency that this database counts in: the wanted one, unless amounts in another are stored already. */
export async function keepCurrency(pool: pg.Pool, wanted: string): Promise<string> {
  return only(await run<{ currency: string }>(pool, { name: 'keep_currency', text: 'select keep_currency($1) as currency' }, [wanted]))
    .currency
}
