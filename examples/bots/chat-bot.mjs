// A bot that understands a few lines of chat. It knows nothing of the chat itself: `console-chat.mjs` and `webhook-chat.mjs` do.
import { createClient, PurserProblem } from 'purser/client'

const bot = createClient({ url: process.env.PURSER_URL ?? 'http://127.0.0.1:8080', token: process.env.PURSER_TOKEN ?? '' })

const usage = `purser plan|request BLUEPRINT NAME --team TEAM --env ENVIRONMENT [--reason WORD] [PARAMETER=VALUE …]
purser approve REQUEST DIGEST · purser reject REQUEST WHY… · purser cancel REQUEST · purser show REQUEST`

/**
 * Answers one message. `person` is the e-mail address of who typed it, as the chat vouches for it; `message` is the chat's own id of it, so
 * that a message which is delivered twice asks once; `say` posts a text.
 */
export async function hear({ person, text, message }, say) {
  const [, command = 'help', ...words] = text.trim().split(/\s+/)
  // The person's roles count, not the bot's, and the commit names both.
  const purser = bot.as(person)
  try {
    if (command === 'plan') await say(describe(await purser.planRequest({ body: parse(words) })))
    else if (command === 'request') await request(purser, { body: parse(words), header: { 'Idempotency-Key': message } }, say)
    else if (command === 'approve') await approve(purser, words[0] ?? '', words[1] ?? '', say)
    else if (command === 'reject') {
      const rejected = await purser.rejectRequest({ path: { id: words[0] ?? '' }, body: { comment: words.slice(1).join(' ') } })
      await say(rejected.message)
    } else if (command === 'cancel') await say((await purser.cancelRequest({ path: { id: words[0] ?? '' } })).message)
    else if (command === 'show') await say(describe(await purser.readRequest({ path: { id: words[0] ?? '' } })))
    else await say(usage)
  } catch (error) {
    // A refusal is for who asked: its message says why, and what would do. Anything else is for who runs the bot.
    if (!(error instanceof PurserProblem)) console.error(error)
    await say(error instanceof PurserProblem ? error.message : 'Something went wrong with this. Say it again later.')
  }
}

async function request(purser, asked, say) {
  const made = await purser.submitRequest(asked)
  const digest = shorten(made.plan.digest)
  await say(`${describe(made)}${made.state === 'pending_approval' ? `\nTo approve: purser approve ${made.id} ${digest}` : ''}`)
  // The stream of its events tells what becomes of it, be it in a moment or in a week.
  for await (const { type, actor } of purser.follow(made)) {
    if (type === 'dev.purser.request.approved.v1') await say(`${made.id} is approved by ${actor.subject}.`)
  }
  const { message, delivery } = await purser.readRequest({ path: { id: made.id } })
  await say(delivery === null ? message : `${message}\nCommit ${delivery.commit} on ${delivery.branch} of ${delivery.repository}`)
}

async function approve(purser, id, seen, say) {
  const { plan } = await purser.readRequest({ path: { id } })
  // People look at the beginning of a digest; Purser is sent all of it. Who saw another plan approves nothing.
  if (seen.length < shorten(plan.digest).length || !plan.digest.startsWith(seen)) {
    return say(`That is not the plan of ${id}, which is ${shorten(plan.digest)}. Look at it: purser show ${id}`)
  }
  await say((await purser.approveRequest({ path: { id }, body: { planDigest: plan.digest } })).message)
}

/** What a plan or a request is: its message, the cost and the files. */
function describe({ id, message, cost, plan }) {
  const files = plan.files.map(({ operation, path }) => `  ${operation} ${path}`)
  return [message, `${id ?? 'Plan'} ${shorten(plan.digest)}: ${cost.monthlyDelta} ${cost.currency} a month`, ...files].join('\n')
}

const shorten = (digest) => digest.slice(0, 'sha256:'.length + 12)

/** `postgres orders-db --team payments --env prod size=m storageGB=600` */
function parse([blueprint = '', name = '', ...words]) {
  const body = { team: '', environment: '', changes: [{ action: 'create', blueprint, name, parameters: {} }] }
  const names = { '--team': 'team', '--env': 'environment', '--reason': 'reason' }
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [key, value = ''] = word.split(/=(.*)/s)
    if (Object.hasOwn(names, word)) body[names[word]] = words.shift() ?? ''
    else body.changes[0].parameters[key] = /^(-?\d+|true|false)$/.test(value) ? JSON.parse(value) : value
  }
  return body
}
