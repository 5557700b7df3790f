// The bot in a chat that has outgoing and incoming webhooks, such as Mattermost: the chat posts each message that begins with `purser` to
// this server, and what the bot says is posted to the chat's incoming webhook.
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { hear } from './chat-bot.mjs'

const { CHAT_TOKEN = '', CHAT_WEBHOOK = '', PORT = '8090' } = process.env
if (CHAT_TOKEN === '' || CHAT_WEBHOOK === '') throw new Error('CHAT_TOKEN and CHAT_WEBHOOK come from the webhooks of your chat')
// Who is who: {"alice": "alice@example.com"}. The chat vouches for its user names, and you for this file.
const people = new Map(Object.entries(JSON.parse(readFileSync(process.env.CHAT_PEOPLE ?? 'people.json', 'utf8'))))
const LONGEST_MESSAGE = 64 * 1024

createServer((request, response) => {
  take(request).then(
    (status) => response.writeHead(status, { 'content-type': 'application/json' }).end('{}'),
    (error) => {
      console.error(error)
      response.writeHead(400).end()
    },
  )
}).listen(Number(PORT), '127.0.0.1', function listening() {
  console.log(`listening on http://127.0.0.1:${this.address().port}`)
})

/** The status of the answer; what there is to say comes on the other webhook. */
async function take(request) {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk
    if (body.length > LONGEST_MESSAGE) return 413
  }
  const json = request.headers['content-type']?.startsWith('application/json')
  const { token = '', user_name: user, text = '', post_id: message = randomUUID(), channel_name: channel } = json
    ? JSON.parse(body)
    : Object.fromEntries(new URLSearchParams(body))
  if (!same(String(token), CHAT_TOKEN)) return 401
  const say = (text) => post({ text, channel })
  const person = people.get(user)
  if (person === undefined) await say(`I do not know ${user}.`)
  else void hear({ person, text, message: `chat-${message}` }, say).catch(console.error)
  return 200
}

/** As long for a wrong token as for the right one, so that it cannot be found out letter by letter. */
function same(left, right) {
  const [a, b] = [left, right].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(a, b)
}

async function post(said) {
  const answer = await fetch(CHAT_WEBHOOK, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(said),
    signal: AbortSignal.timeout(10_000),
  })
  if (!answer.ok) console.error(`The chat answered ${answer.status}`)
}
