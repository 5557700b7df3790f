import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { readConfig } from '../../src/config.ts'

const root = join(import.meta.dirname, '../..')
const base = join(root, 'deploy/kustomize/base')
const overlay = join(root, 'deploy/kustomize/overlays/embedded-repository')

type Probe = { readonly httpGet: { readonly path: string; readonly port: string } }
type SecretKey = { readonly name: string; readonly key: string }
type Container = {
  readonly name: string
  readonly args: readonly string[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: { readonly secretKeyRef: SecretKey } }[]
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[]
  readonly startupProbe?: Probe
  readonly livenessProbe?: Probe
  readonly readinessProbe?: Probe
  readonly resources: { readonly requests: object; readonly limits: object }
  readonly securityContext: object
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}
type PodTemplate = {
  readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations?: object }
  readonly spec: {
    readonly serviceAccountName: string
    readonly automountServiceAccountToken: boolean
    readonly enableServiceLinks: boolean
    readonly securityContext: object
    readonly containers: readonly Container[]
    readonly volumes: readonly { readonly name: string; readonly emptyDir?: object; readonly persistentVolumeClaim?: object }[]
  }
}
type Resource = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object }
  readonly spec: {
    readonly template: PodTemplate
    readonly selector: { readonly matchLabels: object } & object
    readonly podSelector: object
    readonly ingress?: readonly { readonly ports: readonly { readonly port: string }[] }[]
    readonly ports: readonly { readonly targetPort: string }[]
  }
}

const documentsOf = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as Resource) // Looked at below.
const listed = (parse(readFileSync(join(base, 'kustomization.yaml'), 'utf8')) as { resources: string[] }).resources
const resources = listed.flatMap((file) => documentsOf(readFileSync(join(base, file), 'utf8')))
const named = (kind: string, name: string) => resources.filter((r) => r.kind === kind && r.metadata.name === name)
const workloads = resources.filter((r) => ['Deployment', 'Job'].includes(r.kind))
const pods = workloads.map((r) => ({ name: r.metadata.name, template: r.spec.template, container: r.spec.template.spec.containers[0] }))

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0
// Not KUBECONFIG: whoever has that set may not want a namespace made and filled in there.
const cluster = process.env['TEST_KUBECONFIG'] ?? ''
if (!hasKubectl) process.stderr.write('test/deploy: no kubectl here; what the kustomizations make is not looked at, their files are\n')
else if (cluster === '') process.stderr.write('test/deploy: no TEST_KUBECONFIG; no kube-apiserver is asked about the kustomizations\n')

test('the base lists all of its files, and has what it promises', () => {
  expect(listed.toSorted()).toEqual(
    readdirSync(base)
      .filter((f) => f !== 'kustomization.yaml')
      .toSorted(),
  )
  expect(resources.map((r) => `${r.kind} ${r.metadata.name}`)).toEqual([
    'Namespace purser',
    'ServiceAccount purser',
    'Job purser-migrate',
    'Deployment purser-api',
    'Service purser',
    'Deployment purser-worker',
    'PodDisruptionBudget purser-api',
    'PodDisruptionBudget purser-worker',
    'NetworkPolicy purser',
    'NetworkPolicy purser-api',
    'NetworkPolicy purser-worker',
  ])
})

test('pods keep to the restricted standard, have limits, and no token of the cluster', () => {
  for (const { name, template, container } of pods) {
    const { securityContext, serviceAccountName, automountServiceAccountToken, enableServiceLinks } = template.spec
    expect(named('ServiceAccount', serviceAccountName), name).toHaveLength(1)
    expect({ automountServiceAccountToken, enableServiceLinks }).toEqual({ automountServiceAccountToken: false, enableServiceLinks: false })
    expect(securityContext, name).toMatchObject({ runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } })
    expect(container?.securityContext, name).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(container?.resources, name).toMatchObject({ requests: { memory: expect.any(String) }, limits: { memory: expect.any(String) } })
  }
  expect(resources.filter((r) => /Role/.test(r.kind))).toEqual([])
})

test('what the pods are configured with is what the server reads, and accepts', () => {
  const { configMapGenerator } = parse(readFileSync(join(base, 'kustomization.yaml'), 'utf8')) as {
    configMapGenerator: { name: string; literals: string[] }[]
  }
  const [generated] = configMapGenerator
  const settings = Object.fromEntries((generated?.literals ?? []).map((line) => line.split('=') as [string, string]))
  const values: Record<string, string> = { 'database-url': 'postgresql://a:b@db/purser', 'redis-url': 'redis://redis:6379' }
  const known = [...readFileSync(join(root, 'src/config.ts'), 'utf8').matchAll(/^ {2}([A-Z_]+): (?:'|null)/gm)].map((match) => match[1])
  for (const { name, container } of pods) {
    for (const { configMapRef } of container?.envFrom ?? []) expect(configMapRef.name, name).toBe(generated?.name)
    const secrets = (container?.env ?? []).map((e) => [e.name, e.value ?? values[e.valueFrom?.secretKeyRef.key ?? ''] ?? ''])
    const env: Record<string, string> = { ...settings, ...(Object.fromEntries(secrets) as Record<string, string>) }
    expect(known, name).toEqual(expect.arrayContaining(Object.keys(env)))
    expect(readConfig(env, '/app'), name).toMatchObject({ ok: true, value: { notices: [] } })
  }
})

test('only the migration knows the owner of the database, and every secret is one that the guide makes', () => {
  const guide = readFileSync(join(root, 'deploy/kustomize/README.md'), 'utf8').replaceAll('\\\n', ' ')
  for (const { name, container } of pods)
    for (const { name: variable, valueFrom } of container?.env ?? []) {
      if (valueFrom === undefined) continue
      const { name: secret, key } = valueFrom.secretKeyRef
      expect(guide).toMatch(new RegExp(`create secret generic ${secret} .*${key}`))
      expect(secret === 'purser-owner', `${name} ${variable}`).toBe(variable === 'DATABASE_MIGRATE_URL')
      if (variable === 'DATABASE_MIGRATE_URL') expect(name).toBe('purser-migrate')
    }
})

test('commands are those of the program; probes and ports are those of the server', () => {
  expect(pods.map(({ name, container }) => [name, container?.args])).toEqual([
    ['purser-migrate', ['migrate']],
    ['purser-api', ['serve']],
    ['purser-worker', ['work']],
  ])
  const routes = readFileSync(join(root, 'src/faces/http/routes/health.ts'), 'utf8')
  const api = pods.find(({ name }) => name === 'purser-api')?.container
  const worker = pods.find(({ name }) => name === 'purser-worker')?.container
  for (const [container, port] of [
    [api, 'http'],
    [worker, 'probes'],
  ] as const)
    for (const [probe, path] of [
      [container?.startupProbe, '/healthz'],
      [container?.livenessProbe, '/healthz'],
      [container?.readinessProbe, '/readyz'],
    ] as const) {
      expect(probe?.httpGet).toEqual({ path, port })
      expect(routes).toContain(`app.get('${path}'`)
    }
  expect(api?.ports).toEqual([{ name: 'http', containerPort: 8080 }])
  expect(worker?.ports).toEqual([{ name: 'probes', containerPort: 8081 }])
  expect(worker?.env).toContainEqual({ name: 'PURSER_WORK_PORT', value: '8081' })
  expect(named('Service', 'purser')[0]?.spec.ports).toMatchObject([{ targetPort: 'http' }])
  expect(named('NetworkPolicy', 'purser-api')[0]?.spec.ingress?.[0]?.ports).toMatchObject([{ port: 'http' }])
  expect(named('NetworkPolicy', 'purser-worker')[0]?.spec.ingress?.[0]?.ports).toMatchObject([{ port: 'probes' }])
})

test('every selector finds pods, and every mount a volume', () => {
  const components = pods.map(({ template }) => template.metadata.labels['app.kubernetes.io/component'])
  expect(components).toEqual(['migrate', 'api', 'worker'])
  for (const { kind, metadata, spec } of resources) {
    if (['Deployment', 'PodDisruptionBudget'].includes(kind)) {
      const component = metadata.name.replace('purser-', '')
      expect(spec.selector.matchLabels, `${kind} ${metadata.name}`).toEqual({ 'app.kubernetes.io/component': component })
    }
    // Prometheus finds a pod by these; the port must be one that it has.
    if (kind === 'Deployment')
      expect(spec.template.metadata.annotations).toEqual({
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': String(spec.template.spec.containers[0]?.ports?.[0]?.containerPort),
        'prometheus.io/path': '/metrics',
      })
    if (kind === 'Service') expect(spec.selector).toEqual({ 'app.kubernetes.io/component': 'api' })
  }
  for (const { name, template, container } of pods) {
    const volumes = template.spec.volumes.map((v) => v.name)
    expect(volumes, name).toEqual(expect.arrayContaining((container?.volumeMounts ?? []).map((m) => m.name)))
    // A root file system that is read-only leaves these two to write to.
    expect(container?.volumeMounts.map((m) => m.mountPath)).toEqual(expect.arrayContaining(['/data', '/tmp']))
  }
})

describe.skipIf(!hasKubectl)('what kustomize makes', () => {
  const build = (directory: string) => execFileSync('kubectl', ['kustomize', directory], { encoding: 'utf8' })

  test.each([
    ['the base', base],
    ['the embedded repository', overlay],
  ])('of %s has no field in a workload that Kubernetes does not know', (_, directory) => {
    const made = documentsOf(build(directory)).filter((r) => ['Deployment', 'Job'].includes(r.kind))
    expect(made).toHaveLength(3)
    for (const workload of made) {
      // `set --local` reads the typed object: what no type has is gone from its answer.
      const typed = execFileSync('kubectl', ['set', 'image', '--local', '-f', '-', '*=typed', '-o', 'json'], {
        input: JSON.stringify(workload),
        encoding: 'utf8',
        env: { ...process.env, KUBECONFIG: '/dev/null' },
      })
      expect(JSON.parse(typed)).toMatchObject(JSON.parse(JSON.stringify(workload).replaceAll('purser:latest', 'typed')) as object)
    }
  })

  test('of the embedded repository shares one volume, on one node, between API and workers', () => {
    const made = documentsOf(build(overlay))
    expect(made.filter((r) => r.kind === 'PersistentVolumeClaim').map((r) => r.metadata.name)).toEqual(['purser-data'])
    for (const deployment of made.filter((r) => r.kind === 'Deployment')) {
      expect(deployment.spec.template.spec.volumes.find((v) => v.name === 'data')).toEqual({
        name: 'data',
        persistentVolumeClaim: { claimName: 'purser-data' },
      })
      expect(JSON.stringify(deployment.spec.template.spec)).toContain('podAffinity')
    }
  })

  test('all stands in one namespace and is labelled, selectors too', () => {
    for (const { kind, metadata } of documentsOf(build(base))) {
      if (kind !== 'Namespace') expect(metadata.namespace, kind).toBe('purser')
      expect(metadata.labels, `${kind} ${metadata.name}`).toMatchObject({ 'app.kubernetes.io/name': 'purser' })
    }
  })

  describe.skipIf(cluster === '')('is what a kube-apiserver takes', () => {
    const env = { ...process.env, KUBECONFIG: cluster }
    const kubectl = (args: readonly string[], input = '') => {
      const { status, stdout, stderr } = spawnSync('kubectl', args, { encoding: 'utf8', env, input })
      return { status, stdout, stderr }
    }
    const apply = ['apply', '--server-side', '--validate=strict', '-k']
    const accepted = { status: 0, stderr: '' }

    test('stored field by field, and again, and then with the embedded repository', () => {
      // A Job cannot be changed; that of an earlier run may be another one.
      kubectl(['delete', 'job', 'purser-migrate', '-n', 'purser', '--ignore-not-found'])
      // First alone, so that what it demands of pods is in force for everything else: what breaks it is a warning on stderr.
      expect(kubectl(['apply', '--server-side', '-f', join(base, 'namespace.yaml')])).toMatchObject(accepted)
      for (const directory of [base, base]) expect(kubectl([...apply, directory])).toMatchObject(accepted)
      // Not stored: a claim of a volume that nobody makes or protects could not be removed.
      expect(kubectl([...apply, overlay, '--dry-run=server'])).toMatchObject(accepted)
    })

    test('each pod, with what the namespace demands of pods and a guard that holds', () => {
      expect(kubectl([...apply, base])).toMatchObject(accepted)
      for (const { name, template } of pods) {
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name, namespace: 'purser' }, spec: template.spec }
        const create = (spec: object) => kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify({ ...pod, spec }))

        expect(create(pod.spec), name).toMatchObject(accepted)
        expect(create({ ...pod.spec, hostNetwork: true }).stderr, name).toContain('violates PodSecurity')
      }
    })

    test('rights are none: the service account may not even read', () => {
      const may = (verb: string, what: string) =>
        kubectl(['auth', 'can-i', verb, what, '--as=system:serviceaccount:purser:purser', '-n', 'purser']).stdout.trim()

      expect([may('get', 'pods'), may('list', 'secrets'), may('create', 'deployments.apps')]).toEqual(['no', 'no', 'no'])
    })
  })
})
