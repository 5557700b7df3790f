import { Type } from 'typebox'
import { amount, nullable, oneOf, timestamp } from './component.ts'
import { pageSchema } from './page.ts'

const entryExample = { kind: 'reserve', amount: '258.00', request: 'req_01jd8m0s6rf1tsg5xk3v9c2h4n', at: '2026-11-24T09:30:00.000Z' }

export const ledgerEntry = Type.Object(
  { kind: oneOf(['opening', 'reserve', 'capture', 'release']), amount, request: nullable(Type.String()), at: timestamp },
  { $id: 'LedgerEntry', description: 'One movement of a budget’s counters. A decrease is a negative capture.', examples: [entryExample] },
)

export const ledgerPage = pageSchema('LedgerPage', ledgerEntry, entryExample)

export const budgetComponents = [ledgerEntry, ledgerPage]
