import { isObject } from '../../core/json.ts'

type Members = Record<string, unknown>

/**
 * Puts what nearly every operation repeats (refusals, common headers) among the components, once, and refers to it: the
 * document is a third of what it would be, and a generated client has one type for each.
 */
export function shareRepeated<D extends object>(document: D): D {
  const { paths, components } = membersOf(document)
  const responses: Members = {}
  const parameters: Members = {}
  const headers: Members = {}
  for (const path of Object.values(membersOf(paths))) {
    for (const operation of Object.values(membersOf(path)).map(membersOf)) {
      if (Array.isArray(operation['parameters']))
        operation['parameters'] = operation['parameters'].map((parameter) => shareHeader(membersOf(parameter), parameters))
      const answers = membersOf(operation['responses'])
      for (const [status, answer] of Object.entries(answers)) answers[status] = shareAnswer(membersOf(answer), responses, headers)
    }
  }
  return {
    ...document,
    components: { ...membersOf(components), responses: sorted(responses), parameters: sorted(parameters), headers: sorted(headers) },
  }
}

function shareHeader(parameter: Members, shared: Members): Members {
  const { in: place, name } = parameter
  return place === 'header' && typeof name === 'string' ? share(shared, 'parameters', name, parameter) : parameter
}

function shareAnswer(answer: Members, responses: Members, headers: Members): Members {
  const codes = problemCodes(answer)
  if (codes !== null) return share(responses, 'responses', codes.join('.'), answer)
  for (const [name, header] of Object.entries(membersOf(answer['headers'])))
    membersOf(answer['headers'])[name] = share(headers, 'headers', name, membersOf(header))
  return answer
}

/** What was shared under a name before has to be the same. */
function share(shared: Members, place: string, name: string, value: Members): Members {
  const before = shared[name]
  if (before !== undefined && JSON.stringify(before) !== JSON.stringify(value))
    throw new Error(`two ${place} of OpenAPI have the name ${name}`)
  shared[name] = value
  return { $ref: `#/components/${place}/${name}` }
}

/** The codes of a refusal, as `problemAnswer` wrote them. */
function problemCodes(answer: Members): readonly string[] | null {
  const schema = membersOf(membersOf(membersOf(answer['content'])['application/problem+json'])['schema'])
  const [, narrowed] = Array.isArray(schema['allOf']) ? schema['allOf'] : []
  const codes = membersOf(membersOf(membersOf(narrowed)['properties'])['code'])['enum']
  return Array.isArray(codes) ? codes.map(String) : null
}

function membersOf(value: unknown): Members {
  return isObject(value) ? value : {}
}

function sorted(members: Members): Members {
  return Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)))
}
