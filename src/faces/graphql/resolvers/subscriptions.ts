import { Type } from 'typebox'
import type { Result } from '../../../core/result.ts'
import type { Caller } from '../../../operations/caller.ts'
import type { Topic } from '../../../operations/event-topics.ts'
import { followEvents, type Followed } from '../../../operations/follow-events.ts'
import type { Resolvers, SubscriptionResolvers } from '../generated/types.ts'
import type { GraphContext } from '../graph-context.ts'
import { judge, withoutNulls } from '../judge.ts'
import { Refusal, unwrap } from '../refusal.ts'
import type { Happening, Source } from '../sources.ts'

/** What a subscription has beside what every operation has: it asks again and again who is there. */
export type FollowingContext = GraphContext & { readonly who: () => Promise<Result<Caller>> }

const followQuery = Type.Object(
  { after: Type.Optional(Type.String()), topic: Type.String({ maxLength: 300 }) },
  { additionalProperties: false },
)

export const subscriptions: SubscriptionResolvers = {
  requestChanged: (_, { id, after }, graph) => follow(graph, { kind: 'request', id }, id, after, (step) => ({ ...step, request: id })),
  teamActivity: (_, { team, after }, graph) => follow(graph, { kind: 'team', name: team }, team, after, (step) => ({ ...step, team })),
  budgetChanged: (_, { name, after }, graph) => follow(graph, { kind: 'budget', name }, name, after, (step) => ({ ...step, budget: name })),
}

async function follow<S>(
  graph: GraphContext,
  topic: Topic,
  named: string,
  cursor: string | null | undefined,
  source: (step: Happening) => S,
): Promise<AsyncIterable<S>> {
  const { after = '' } = judge(followQuery, withoutNulls({ topic: named, after: cursor ?? null }), '/query')
  const { context, signal, who } = graph as FollowingContext // Only a socket executes subscriptions, and it makes such contexts.
  return stepsOf(unwrap(await followEvents(context, who, topic, { after: after === '' ? null : after, signal })), source)
}

/** The first says where the stream begins; what else comes without events is only a sign of life, and sockets have their own. */
async function* stepsOf<S>(followed: AsyncIterable<Followed>, source: (step: Happening) => S): AsyncGenerator<S> {
  let first = true
  for await (const next of followed) {
    if (next.kind === 'refused') throw new Refusal(next.problem)
    if (first) yield source({ event: null, cursor: next.cursor })
    first = false
    for (const { event, cursor } of next.events) yield source({ event: event as Source<'Event'>, cursor }) // As lists show it.
  }
}

export const subscriptionTypes: Pick<Resolvers, 'RequestChanged' | 'TeamActivity' | 'BudgetChanged'> = {
  RequestChanged: { request: async ({ request }, _, { load }) => there(await load.request(request)) },
  TeamActivity: { team: ({ team }) => ({ name: team }) },
  BudgetChanged: {
    budget: async ({ budget }, _, { load }) => ({ name: budget, shown: there(await load.document('Budget', budget)) }),
  },
}

/** Between the event and this read it may have gone out of sight. */
function there<V>(value: V | null): V {
  if (value === null) throw new Refusal({ code: 'not-found' })
  return value
}
