import { Type } from 'typebox'
import { openObject } from './component.ts'

export const aliveSchema = Type.Object(
  { status: Type.Literal('ok') },
  { $id: 'Alive', description: 'The process answers.', examples: [{ status: 'ok' }] },
)

export const readinessSchema = Type.Object(
  { ready: Type.Boolean(), checks: openObject },
  {
    $id: 'Readiness',
    description: 'Whether requests can be taken, and what is well and what is not.',
    examples: [{ ready: true, checks: { database: { ok: true, platformRevision: 12 } } }],
  },
)
