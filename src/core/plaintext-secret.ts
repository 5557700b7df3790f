import { isObject, pointerToken, type Json, type JsonObject } from './json.ts'
import type { FieldError } from './problem.ts'
import { compilePattern, type Pattern } from './re2.ts'

/**
 * Git and the database do not forget, so what is known to be a credential by its form is refused before it gets there.
 * This catches accidents, not intent: a password that looks like a word has no form.
 */
type Form = {
  readonly name: string
  /** In lower case; text without any of them is not looked at further. */ readonly hints: readonly string[]
  readonly pattern: Pattern
}

function form(name: string, hints: readonly string[], source: string): Form {
  const pattern = compilePattern(source)
  if (!pattern.ok) throw new Error(`${name}: the pattern ${pattern.problem}`)
  return { name, hints, pattern: pattern.value }
}

/** `beginnings`: of the first three characters of every hint. To look for all hints in each text was a tenth of what a plan costs. */
type Known = { readonly forms: readonly Form[]; readonly beginnings: Uint8Array }

function known(forms: readonly Form[]): Known {
  const beginnings = new Uint8Array(0x8000)
  for (const { name, hints } of forms) {
    for (const hint of hints) {
      if (hint.length < 3) throw new Error(`${name}: a hint has three characters at least`)
      beginnings[slot(hint, 0)] = 1
    }
  }
  return { forms, beginnings }
}

/** Where three characters stand among the beginnings; others may stand there too. */
function slot(text: string, at: number): number {
  return (text.charCodeAt(at) ^ (text.charCodeAt(at + 1) << 4) ^ (text.charCodeAt(at + 2) << 8)) & 0x7fff
}

/** Without any there is no hint. */
function hasOneOf(beginnings: Uint8Array, text: string): boolean {
  for (let i = 0; i + 2 < text.length; i++) if (beginnings[slot(text, i)] === 1) return true
  return false
}

/** By prefix or shape alone, wherever it stands. Sources: the vendors' pages on token formats. */
const forms = known([
  form(
    'a private key',
    ['private key', 'putty-user-key-file', 'age-secret-key-1'],
    String.raw`-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File-\d|AGE-SECRET-KEY-1[0-9A-Z]{50,}`,
  ),
  form('an AWS access key', ['akia', 'asia', 'abia', 'acca'], String.raw`\b(AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b`),
  form(
    'a GitHub token',
    ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_'],
    String.raw`\b(gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b`,
  ),
  form(
    'a GitLab token',
    ['pat', 'dt', 'rt', 'cbt', 'ptt', 'ft', 'soat', 'imt', 'oas', 'agent'].map((kind) => `gl${kind}-`),
    String.raw`\bgl(pat|dt|rt|cbt|ptt|ft|soat|imt|oas|agent)-[0-9A-Za-z_-]{20,}`,
  ),
  form(
    'a Slack token',
    ['xox', 'xapp-', 'hooks.slack.com'],
    String.raw`\bxox[abceprs]-[0-9A-Za-z-]{10,}|\bxapp-\d-[0-9A-Za-z-]{10,}|hooks\.slack\.com/services/T\w+/B\w+/\w{16,}`,
  ),
  form('a Stripe key', ['k_live_', 'k_test_', 'whsec_'], String.raw`\b[sr]k_(live|test)_[0-9A-Za-z]{16,}|\bwhsec_[0-9A-Za-z+/]{32,}`),
  form(
    'a Google key',
    ['aiza', 'gocspx-', 'ya29.'],
    String.raw`\bAIza[0-9A-Za-z_-]{35}|\bGOCSPX-[0-9A-Za-z_-]{28}|\bya29\.[0-9A-Za-z_-]{20,}`,
  ),
  form('a JSON Web Token', ['eyj'], String.raw`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{10,}`),
  form('an npm token', ['npm_'], String.raw`\bnpm_[A-Za-z0-9]{36}\b`),
  form('a PyPI token', ['pypi-'], String.raw`\bpypi-[A-Za-z0-9_-]{50,}`),
  form('a RubyGems key', ['rubygems_'], String.raw`\brubygems_[0-9a-f]{48}\b`),
  form('a Docker Hub token', ['dckr_'], String.raw`\bdckr_(pat|oat)_[A-Za-z0-9_-]{27,}`),
  form('a SendGrid key', ['sg.'], String.raw`\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}`),
  form(
    'a Twilio key',
    Array.from('0123456789abcdef', (digit) => `sk${digit}`),
    String.raw`\bSK[0-9a-f]{32}\b`,
  ),
  form('a Mailgun key', ['key-'], String.raw`\bkey-[0-9a-f]{32}\b`),
  form(
    'an Azure key',
    ['accountkey=', 'sharedaccesskey=', ...Array.from('0123456789', (digit) => `${digit}q~`)],
    String.raw`(?i:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}=|[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}`,
  ),
  form('a Vault token', ['hvs.', 'hvb.', 'hvr.'], String.raw`\bhv[sbr]\.[A-Za-z0-9_-]{20,}`),
  form('a Terraform Cloud token', ['.atlasv1.'], String.raw`[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}`),
  form('a DigitalOcean token', ['_v1_'], String.raw`\bdo[opr]_v1_[0-9a-f]{64}\b`),
  form('a Databricks token', ['dapi'], String.raw`\bdapi[0-9a-f]{32}\b`),
  form('a Grafana token', ['glsa_', 'glc_'], String.raw`\bglsa_[A-Za-z0-9]{32}_[0-9a-f]{8}\b|\bglc_eyJ[A-Za-z0-9+/]{32,}`),
  form('a Shopify token', ['shp'], String.raw`\bshp(at|ca|pa|ss)_[0-9a-fA-F]{32}\b`),
  form('an Atlassian token', ['atatt3'], String.raw`\bATATT3[A-Za-z0-9_=-]{60,}`),
  form('a New Relic key', ['nrak-'], String.raw`\bNRAK-[A-Z0-9]{27}\b`),
  form('a Hugging Face token', ['hf_'], String.raw`\bhf_[A-Za-z0-9]{34}\b`),
  form(
    'an AI provider key',
    ['sk-ant-', 'sk-proj-', 't3blbkfj'],
    String.raw`\bsk-(ant|proj)-[A-Za-z0-9_-]{20,}|\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}`,
  ),
  form('a Telegram bot token', [':aa'], String.raw`\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b`),
  form('a Purser token', ['psr_'], String.raw`\bpsr_[A-Za-z0-9_-]{20,}`),
  // References that something else fills in, such as $(PASSWORD), ${PASSWORD} or {{ .password }}, are no passwords.
  form(
    'a URL with a password',
    ['://'],
    String.raw`[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/?#:@"']*:([^\s/?#@"'$<{*]|\$[^\s/?#@"'({])[^\s/?#@"']*@`,
  ),
  form(
    'credentials in a header',
    ['authorization'],
    String.raw`(?i)\bauthorization["']?\s*[:=]\s*["']?(basic|bearer)\s+[A-Za-z0-9+/=._-]{16,}`,
  ),
  form('a registry password', ['"auth"'], String.raw`"auth"\s*:\s*"[A-Za-z0-9+/]{8,}={0,2}"`),
])

/** Forms that only the name beside them gives away; they are held against `name=value`. */
const namedForms = known([
  form(
    'an AWS secret key',
    ['secret'],
    String.raw`(?i)(secret[_-]?access[_-]?key|aws[a-z_-]{0,20}secret[a-z_-]{0,20})["']?\s*[:=]\s*["']?[A-Za-z0-9/+]{40}($|[^A-Za-z0-9/+])`,
  ),
  form('an Azure key', ['account'], String.raw`(?i)account[_-]?key["']?\s*[:=]\s*["']?[A-Za-z0-9+/]{86}==`),
  form('a Twilio token', ['twilio'], String.raw`(?i)twilio[a-z_-]{0,30}["']?\s*[:=]\s*["']?[0-9a-f]{32}($|[^0-9a-f])`),
])

const shortest = 12
/** What a form of `namedForms` takes at least: `twilio=` and 32 digits. */
const shortestNamed = 39
/** A shorter run of base64 holds no known form. */
const shortestEncoded = 24
const maxErrors = 50
/** What stands in a pointer for a name that is itself a secret. */
const hidden = '/[hidden]'

/** Known credential formats and private keys anywhere in a value, keys included, and inside one level of base64. The detail never repeats the secret. */
export function findPlaintextSecrets(value: Json, pointer: string): readonly FieldError[] {
  if (isClean(value, '')) return []
  const errors: FieldError[] = []
  search(value, '', pointer, errors)
  return errors
}

/** Whether `search` would find nothing: nearly always so, and without a pointer to each member in half of the time. */
function isClean(value: Json, name: string): boolean {
  if (typeof value === 'string') return value.length < shortest || (recognize(value) ?? recognizeNamed(name, value)) === null
  if (Array.isArray(value)) return value.every((item: Json) => isClean(item, name))
  if (!isObject(value)) return true
  const object = value as JsonObject
  const neighbour = neighbourOf(object)
  for (const key of Object.keys(object)) {
    if (key.length >= shortest && (recognize(key) ?? recognizeNamed('', key)) !== null) return false
    if (!isClean(object[key] ?? null, key === 'value' && neighbour !== null ? neighbour : key)) return false
  }
  return true
}

/** As in a container's `env`: the name of a value may be its neighbour instead of its key. */
function neighbourOf(object: JsonObject): string | null {
  return typeof object['name'] === 'string' ? object['name'] : null
}

function search(value: Json, name: string, pointer: string, errors: FieldError[]): void {
  if (errors.length >= maxErrors) return
  if (typeof value === 'string') {
    const found = recognize(value) ?? recognizeNamed(name, value)
    if (found !== null) errors.push({ pointer, detail: `looks like ${found}; name the secret's place in the store instead` })
  } else if (Array.isArray(value)) {
    value.forEach((item: Json, i) => search(item, name, pointer + pointerToken(i), errors))
  } else if (isObject(value)) {
    searchObject(value as JsonObject, pointer, errors)
  }
}

function searchObject(object: JsonObject, pointer: string, errors: FieldError[]): void {
  const neighbour = neighbourOf(object)
  for (const [key, member] of Object.entries(object)) {
    const found = recognize(key) ?? recognizeNamed('', key)
    if (found !== null)
      errors.push({ pointer, detail: `has a field whose name looks like ${found}; name the secret's place in the store instead` })
    search(member, key === 'value' && neighbour !== null ? neighbour : key, pointer + (found === null ? pointerToken(key) : hidden), errors)
  }
}

function recognize(text: string): string | null {
  if (text.length < shortest) return null
  return firstOf(forms, text) ?? recognizeEncoded(text)
}

function recognizeNamed(name: string, value: string): string | null {
  return value.length < shortest || name.length + value.length + 1 < shortestNamed ? null : firstOf(namedForms, `${name}=${value}`)
}

function firstOf({ forms: candidates, beginnings }: Known, text: string): string | null {
  const lower = text.toLowerCase()
  if (!hasOneOf(beginnings, lower)) return null
  for (const { name, hints, pattern } of candidates) {
    // An image's digest stands where a URL's host would: docker://nginx:1.25@sha256:…
    if (hints.some((hint) => lower.includes(hint)) && pattern.test(text.replaceAll('@sha256:', ' sha256:'))) return name
  }
  return null
}

/** Runs of base64, as in a Secret's data or a kubeconfig. */
const base64 = /[A-Za-z0-9+/_-]{24,}={0,2}/g

function recognizeEncoded(text: string): string | null {
  if (text.length < shortestEncoded) return null
  // Wrapped base64 (as `base64` without -w0 prints it) has line breaks inside.
  const joined = /^[A-Za-z0-9+/=\s]+$/.test(text) ? text.replaceAll(/\s/g, '') : text
  for (const [run] of joined.matchAll(base64)) {
    const decoded = Buffer.from(run, 'base64').toString('latin1')
    const found = firstOf(forms, decoded) ?? firstOf(namedForms, decoded)
    if (found !== null) return `${found} in base64`
  }
  return null
}
