import type { Adapter, AdapterPayload } from 'oidc-provider'

/** Where an issuer of the tests keeps sessions, codes and grants, across its restarts. What has expired it tells by itself. */
export function issuerMemory(): (model: string) => Adapter {
  const rooms = new Map<string, Map<string, AdapterPayload>>()
  const drop = (isIt: (payload: AdapterPayload) => boolean) => {
    for (const room of rooms.values()) for (const [id, payload] of room) if (isIt(payload)) room.delete(id)
  }
  return (model) => {
    const room = rooms.get(model) ?? new Map<string, AdapterPayload>()
    rooms.set(model, room)
    const findBy = async (member: 'uid' | 'userCode', value: string) => [...room.values()].find((payload) => payload[member] === value)
    return {
      upsert: async (id, payload) => void room.set(id, payload),
      find: async (id) => room.get(id),
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (userCode) => findBy('userCode', userCode),
      destroy: async (id) => void room.delete(id),
      revokeByGrantId: async (grantId) => drop((payload) => payload.grantId === grantId),
      async consume(id) {
        const payload = room.get(id)
        if (payload !== undefined) room.set(id, { ...payload, consumed: Math.floor(Date.now() / 1_000) })
      },
    }
  }
}
