/** Prints a token such as an installation makes for itself: for a secret store, where several replicas share one. */
import { randomBytes } from 'node:crypto'
import { makeToken, TOKEN_BYTES } from '../src/core/token.ts'

process.stdout.write(makeToken(randomBytes(TOKEN_BYTES)))
