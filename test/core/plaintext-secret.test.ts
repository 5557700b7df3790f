import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import { findPlaintextSecrets } from '../../src/core/plaintext-secret.ts'

/** Samples are put together here, so that no scanner takes this file for a leak. */
const s = (...parts: readonly string[]) => parts.join('')
const letters = (count: number) => 'aB3dE6gH9jK2mN5pQ8sT'.repeat(Math.ceil(count / 20)).slice(0, count)
const hex = (count: number) => createHash('sha512').update('sample').digest('hex').slice(0, count)
const base64 = (text: string) => Buffer.from(text).toString('base64')
const keys = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
const jwt = `${base64('{"alg":"RS256","kid":"x"}').replace(/=+$/, '')}.${base64('{"iss":"kubernetes/serviceaccount","sub":"x"}').replace(/=+$/, '')}.${letters(43)}`

const secrets: readonly (readonly [string, string])[] = [
  ['an AWS access key id', s('AKIA', 'IOSFODNN7EXAMPLE')],
  ['a temporary AWS access key id', s('ASIA', 'IOSFODNN7EXAMPLE')],
  ['an AWS key within text', s('aws configure set x AKIA', 'IOSFODNN7EXAMPLE', ' --profile y')],
  ['an AWS secret in a file', s('[default]\naws_secret', '_access_key = ', letters(40))],
  ['a GitHub personal token', s('ghp', '_', letters(36))],
  ['a GitHub app token', s('ghs', '_', letters(36))],
  ['a fine-grained GitHub token', s('github', '_pat_', letters(22), '_', letters(59))],
  ['a GitLab token', s('glpat', '-', letters(20))],
  ['a Slack bot token', s('xoxb', '-123456789012-1234567890123-', letters(24))],
  ['a Slack webhook', s('https://hooks.slack', '.com/services/T00000000/B00000000/', letters(24))],
  ['a Stripe key', s('sk', '_live_', letters(24))],
  ['a Google API key', s('AI', 'za', letters(35))],
  ['a Google service account', JSON.stringify({ type: 'service_account', private_key: keys.privateKey })],
  ['a PKCS #8 key', keys.privateKey],
  ['an RSA key', s('-----BEGIN RSA ', 'PRIVATE KEY-----\n', letters(64))],
  ['an encrypted key', s('-----BEGIN ENCRYPTED ', 'PRIVATE KEY-----\n', letters(64))],
  ['an OpenSSH key', s('-----BEGIN OPENSSH ', 'PRIVATE KEY-----\n', letters(64))],
  ['a PGP key', s('-----BEGIN PGP ', 'PRIVATE KEY BLOCK-----\n', letters(64))],
  ['a PuTTY key', s('PuTTY-User-', 'Key-File-3: ssh-ed25519')],
  ['an age key', s('AGE-SECRET', '-KEY-1', letters(58).toUpperCase())],
  ['a service account token of Kubernetes', jwt],
  ['a bearer header', s('Authorization: ', 'Bearer ', letters(30))],
  ['an npm token', s('npm', '_', letters(36))],
  ['a PyPI token', s('pypi', '-AgEIcHlwaS5vcmc', letters(60))],
  ['a SendGrid key', s('SG', '.', letters(22), '.', letters(43))],
  ['a Twilio key', s('SK', hex(32))],
  ['an Azure connection string', s('DefaultEndpointsProtocol=https;AccountName=x;Account', 'Key=', letters(86), '==')],
  ['a Vault token', s('hvs', '.', letters(24))],
  ['a DigitalOcean token', s('dop', '_v1_', hex(64))],
  ['a Purser token', s('psr', '_', letters(32))],
  ['a database URL', s('postgres://orders:', 'hunter2@db.example.com:5432/orders')],
  ['a URL without user', s('redis://:', 'hunter2@cache:6379')],
  ['a URL whose password begins with a dollar', s('https://ci:', '$ecret@git.example.com/x')],
  ['a registry login', JSON.stringify({ auths: { 'registry.example.com': { auth: base64('ci:hunter2') } } })],
  ['a private key in base64', base64(keys.privateKey)],
  ['a private key in wrapped base64', base64(keys.privateKey).replace(/(.{64})/g, '$1\n')],
  ['a token in base64', base64(s('ghp', '_', letters(36)))],
  ['a kubeconfig', `users:\n- user:\n    client-key-data: ${base64(keys.privateKey)}\n`],
]

const innocent: readonly (readonly [string, Json])[] = [
  ['a uuid', randomUUID()],
  ['a digest', `sha256:${hex(64)}`],
  ['a commit', hex(40)],
  ['a commit called secret', { secretVersion: hex(40) }],
  ['an image with a digest', `ghcr.io/shop/orders:1.2@sha256:${hex(64)}`],
  ['an image URL with a digest', `docker://nginx:1.25@sha256:${hex(64)}`],
  ['a public ssh key', `ssh-ed25519 ${base64(letters(51))} alice@example.com`],
  ['a public key', keys.publicKey],
  ['a certificate', `-----BEGIN CERTIFICATE-----\n${base64(letters(400)).replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`],
  ['a certificate in base64', base64(`-----BEGIN CERTIFICATE-----\n${base64(letters(400))}\n-----END CERTIFICATE-----\n`)],
  ['a public PGP key', '-----BEGIN PGP PUBLIC KEY BLOCK-----'],
  ['a repository over ssh', 'ssh://git@git.example.com:22/platform/gitops.git'],
  ['a repository in scp form', 'git@git.example.com:platform/gitops.git'],
  ['a URL with a port and an @', 'http://registry.example.com:8080/@scope/package'],
  [
    'a URL whose password is filled in later',
    {
      a: 'postgres://$(USER):$(PASSWORD)@db/x',
      b: 'postgres://u:${PASSWORD}@db/x',
      c: 'postgres://u:{{.password}}@db/x',
      d: 'postgres://u:<password>@db/x',
      e: 'https://u:***@db/x',
    },
  ],
  ['a reference to a secret', { passwordSecretRef: { name: 'orders-db-credentials', key: 'password' } }],
  ['a store path', { remoteRef: { key: 'secret/data/payments/orders-db', property: 'password' } }],
  ['an ARN', 'arn:aws:iam::123456789012:role/orders'],
  [
    'words that begin like tokens',
    [
      'npm_config_cache=/tmp/npm-cache-directory',
      'sk_live',
      'ghp_',
      'glpat-',
      'AKIA',
      'xoxb-',
      'psr_token',
      'asiatic-warehouse-inventory-service',
    ],
  ],
  ['a long path', '/usr/local/share/applications/orders/configuration/defaults/production.yaml'],
  ['text in base64', base64('just some configuration text, long enough to be looked at')],
  [
    'a Crossplane claim',
    {
      apiVersion: 'db.innoq.com/v1alpha1',
      kind: 'PostgreSQLInstance',
      metadata: { name: 'orders-db', annotations: { 'purser.dev/object-digest': `sha256:${hex(64)}` } },
    },
  ],
  ['numbers and nothing', [1, null, true, '']],
]

describe('a secret in plain text', () => {
  it.each(secrets)('%s is found, wherever it stands, and never repeated', (_, secret) => {
    const found = [
      ...findPlaintextSecrets(secret, '/changes/0/parameters'),
      ...findPlaintextSecrets({ deep: [{ er: secret }] }, '/p'),
      ...findPlaintextSecrets({ a: { [secret]: 1 } }, '/p'),
    ]

    expect(found.map((error) => error.pointer)).toStrictEqual(['/changes/0/parameters', '/p/deep/0/er', '/p/a'])
    expect(JSON.stringify(found)).not.toContain(JSON.stringify(secret).slice(1, -1))
    expect(found.every((error) => error.detail.endsWith("; name the secret's place in the store instead"))).toBe(true)
  })

  it('is found by the name beside it', () => {
    const value = {
      aws: { secretAccessKey: letters(40) },
      env: [
        { name: 'AWS_SECRET_ACCESS_KEY', value: letters(40) },
        { name: 'TWILIO_AUTH_TOKEN', value: hex(32) },
      ],
      storage: { account_key: `${letters(86)}==` },
    }

    const pointers = findPlaintextSecrets(value, '').map((error) => error.pointer)

    expect(pointers).toStrictEqual(['/aws/secretAccessKey', '/env/0/value', '/env/1/value', '/storage/account_key'])
  })

  it('below a name that is a secret itself has a pointer without that name', () => {
    const secret = s('ghp', '_', letters(36))

    const found = findPlaintextSecrets({ [secret]: { inner: secret } }, '')

    expect(found.map((error) => error.pointer)).toStrictEqual(['', '/[hidden]/inner'])
  })

  it.each(innocent)('is not seen in %s', (_, value) => {
    expect(findPlaintextSecrets(value, '')).toStrictEqual([])
  })

  it('is found in any text around it', () => {
    const around = fc.string({ unit: fc.constantFrom(' ', '\n', '"', ',', '=', '(', ')', ':') })
    fc.assert(
      fc.property(fc.constantFrom(...secrets.map(([, secret]) => secret)), around, around, (secret, before, after) => {
        expect(findPlaintextSecrets(before + secret + after, '')).toHaveLength(1)
      }),
    )
  })

  it('stops after 50, however many there are', () => {
    expect(
      findPlaintextSecrets(
        Array.from({ length: 1_000 }, () => s('ghp', '_', letters(36))),
        '',
      ),
    ).toHaveLength(50)
  })
})
