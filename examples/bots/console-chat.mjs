// A chat to try the bot with: each line of standard input is `WHO> TEXT`, and what the bot says goes to standard output.
//   echo 'alice@example.com> purser plan postgres orders-db --team payments --env dev size=s' | node console-chat.mjs
// Anybody can claim to be anybody here, so it is for trying only.
import { createInterface } from 'node:readline'
import { randomUUID } from 'node:crypto'
import { hear } from './chat-bot.mjs'

const say = (text) => console.log(text)
for await (const line of createInterface({ input: process.stdin })) {
  const [person, text] = line.split('> ')
  if (text === undefined) say('WHO> TEXT')
  // Not waited for: while one request is followed, others are asked for and approved.
  else void hear({ person, text, message: randomUUID() }, say)
}
