import type { TSchema } from 'typebox'
import { approval, rejection, requestInput } from '../../../operations/request-input.ts'
import { blueprintImportComponents } from './blueprint-import.ts'
import { branchComponents } from './branch.ts'
import { budgetComponents } from './budget.ts'
import { documentComponents } from './document.ts'
import { eventComponents } from './event.ts'
import { aliveSchema, readinessSchema } from './health.ts'
import { meSchema } from './me.ts'
import { kindSchemaComponents } from './kind-schema.ts'
import { pageInfo } from './page.ts'
import { permissionsSchema } from './permissions.ts'
import { problemSchema } from './problem.ts'
import { requestComponents } from './request.ts'
import { resourceComponents } from './resource.ts'
import { serviceAccountComponents } from './service-account.ts'
import { signInSchema } from './sign-in.ts'
import { exchanged, exchangeInput, oauthError } from './token.ts'

/** Every schema that has a name of its own in OpenAPI. */
export const components: readonly TSchema[] = [
  problemSchema,
  pageInfo,
  meSchema,
  permissionsSchema,
  signInSchema,
  exchangeInput,
  exchanged,
  oauthError,
  aliveSchema,
  readinessSchema,
  requestInput,
  approval,
  rejection,
  ...requestComponents,
  ...resourceComponents,
  ...budgetComponents,
  ...eventComponents,
  ...branchComponents,
  ...serviceAccountComponents,
  ...documentComponents,
  ...blueprintImportComponents,
  ...kindSchemaComponents,
]
