import type { BlueprintDocument } from './document/blueprint.ts'
import { isObject, type JsonObject } from './json.ts'
import type { Platform } from './platform.ts'
import type { FieldError } from './problem.ts'

/**
 * What may stand in a blueprint and is likely a mistake. Deleted in the background, which is Crossplane's default, a claim
 * is gone in 40 ms, while what it made lives on, costs, and is seen by nobody.
 */
export function blueprintWarnings(platform: Platform, { spec }: BlueprintDocument): readonly FieldError[] {
  return spec.manifests.flatMap((manifest, i): readonly FieldError[] => {
    if (!isObject(manifest['spec']) || 'compositeDeletePolicy' in manifest['spec']) return []
    if (!looksLikeClaim(manifest, manifest['spec'] as JsonObject) && !isKnownClaim(platform, manifest)) return []
    const detail =
      'looks like a claim of Crossplane and leaves out compositeDeletePolicy: Foreground; without it the claim is gone at once and what it made lives on unseen'
    return [{ pointer: `/spec/manifests/${i}/spec/compositeDeletePolicy`, detail }]
  })
}

/** Fields that Crossplane gives to claims, and to composites that belong to no namespace. */
const ofClaims = [
  'compositionRef',
  'compositionSelector',
  'compositionRevisionRef',
  'compositionRevisionSelector',
  'compositionUpdatePolicy',
]

/** In a namespace, with a claim's fields. A managed resource names its connection secret in the same way, but says what it provides. */
function looksLikeClaim({ metadata }: JsonObject, spec: JsonObject): boolean {
  if (!isObject(metadata) || metadata['namespace'] === undefined) return false
  if (ofClaims.some((field) => field in spec)) return true
  const secret = spec['writeConnectionSecretToRef']
  return isObject(secret) && !('namespace' in secret) && !('forProvider' in spec)
}

/** Another blueprint knows better: one that was imported says so of every claim. */
function isKnownClaim(platform: Platform, manifest: JsonObject): boolean {
  const kind = kindOf(manifest)
  return [...platform.blueprints.values()].some((versions) =>
    versions.some(({ document }) =>
      document.spec.manifests.some(
        (other) => kindOf(other) === kind && isObject(other['spec']) && 'compositeDeletePolicy' in other['spec'],
      ),
    ),
  )
}

function kindOf({ apiVersion, kind }: JsonObject): string {
  return `${typeof apiVersion === 'string' ? (apiVersion.split('/')[0] ?? '') : ''} ${typeof kind === 'string' ? kind : ''}`
}
