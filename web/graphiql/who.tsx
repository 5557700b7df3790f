import { useState, type JSX } from 'react'
import { keepCredentials, readCredentials, type Credentials } from './credentials.ts'

/** Where one says who asks. What is typed is in force at once, and is gone with the tab. */
export function Who(): JSX.Element {
  const [credentials, set] = useState(readCredentials)
  const change = (changed: Partial<Credentials>) => {
    const next = { ...credentials, ...changed }
    keepCredentials(next)
    set(next)
  }
  return (
    <header className="who">
      <strong>Purser</strong>
      <label>
        Token
        <input
          type="password"
          name="purser-token"
          autoComplete="off"
          spellCheck={false}
          placeholder="psr_…"
          value={credentials.token}
          onChange={({ target }) => change({ token: target.value })}
        />
      </label>
      <label>
        On behalf of
        <input
          type="text"
          name="purser-on-behalf-of"
          autoComplete="off"
          spellCheck={false}
          placeholder="alice@example.com"
          value={credentials.onBehalfOf}
          onChange={({ target }) => change({ onBehalfOf: target.value })}
        />
      </label>
      <span className="who-note">kept in this tab only</span>
      <a href="docs">REST</a>
    </header>
  )
}
