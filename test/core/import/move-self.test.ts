import { describe, expect, it } from 'vitest'
import { moveSelf } from '../../../src/core/import/move-self.ts'

describe('a rule over an object becomes one over its parameters', () => {
  it.each<readonly [string, readonly string[], string]>([
    ["!has(self.spec.size)\n|| self.spec.size in ['s']", ['spec'], "!has(self.size)\n|| self.size in ['s']"],
    ['self.spec == oldSelf.spec', ['spec'], 'self == oldSelf'],
    ['self.spec.a.exists(k, self.spec.a[k].b)', ['spec'], 'self.a.exists(k, self.a[k].b)'],
    ['has(self.parameters) && self.parameters.a > 1', ['parameters'], 'true && self.a > 1'],
    ['self.spec.parameters.?a.orValue(1) == 1', ['spec', 'parameters'], 'self.?a.orValue(1) == 1'],
    ["self.a == 'self.spec.a'", [], "self.a == 'self.spec.a'"],
  ])('%s', (rule, inside, expected) => {
    expect(moveSelf(rule, inside)).toEqual({ ok: true, value: expected })
  })

  it.each<readonly [string, readonly string[], string]>([
    ['size(self.metadata.name) < 20', ['spec'], 'reads self.metadata.name, which is no parameter: parameters are self.spec'],
    ['self.spec.a == 1 && self.?spec.a == 1', ['spec'], 'reads self, which is no parameter: parameters are self.spec'],
    [
      'has(self.spec.compositionRef)',
      ['spec', 'parameters'],
      'reads self.spec.compositionRef, which is no parameter: parameters are self.spec.parameters',
    ],
    ['self.spec.', ['spec'], 'cannot be read: Expected IDENTIFIER, got EOF'],
  ])('unless it looks elsewhere: %s', (rule, inside, problem) => {
    expect(moveSelf(rule, inside)).toEqual({ ok: false, problem })
  })
})
