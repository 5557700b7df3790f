import { join, relative } from 'node:path'
import type { Config } from '../config.ts'

/** What to try first, ready to paste: plan, request, read. The README's first lines are these. */
export function nextSteps(config: Config, address: string): string {
  const path = join(config.dataDir, 'admin-token')
  const near = relative(process.cwd(), path)
  const token = quote(near.startsWith('..') ? path : near)
  const curl = (path: string, more: string) =>
    `curl -s ${address}${path} -H "Authorization: Bearer $(cat ${token})" -H 'Purser-On-Behalf-Of: alice@example.com'${more}`
  const body = (name: string) =>
    `{"team":"payments","environment":"dev","reason":"first try","changes":[{"action":"create","blueprint":"postgres","name":"${name}","parameters":{"size":"s"}}]}`
  const send = ` -H 'Content-Type: application/json' -d '${body('orders-db')}'`
  const graphiql = config.introspection ? `\nGraphQL to try: ${address}/graphiql` : ''
  const docs = `API description: ${address}/docs${graphiql}`
  // Without the example platform there is no team payments to ask for.
  if (!config.examples) return `${docs}\n`
  return [
    '',
    'Next, in another terminal: what would a database cost, ask for it, and see what became of it.',
    '',
    curl('/v1/plans', send),
    curl('/v1/requests', `${send} -H 'Prefer: wait=10'`),
    curl("'/v1/requests?first=1'", '').replace(`${address}'`, `'${address}`),
    '',
    docs,
    '',
  ].join('\n')
}

/** As one word of a shell. */
function quote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
