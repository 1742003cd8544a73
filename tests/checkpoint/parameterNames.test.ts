import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchNames } from '../../src/checkpoint/parameterNames.ts';

const NETWORK = ['encoder.0.conv.weight', 'encoder.0.norm.weight', 'encoder.0.norm.running_mean', 'out.weight'];

const matched = (held: readonly string[]) => {
  const { names, unexpected, ambiguous } = matchNames(NETWORK, held);
  return { names: Object.fromEntries(names), unexpected, ambiguous };
};

test.each([
  ['nothing', ''],
  ["PyTorch's DataParallel", 'module.'],
  ['a checkpoint of several things', 'state_dict.'],
  ['two wrappers', 'model.module.'],
])('names are found behind the prefix of %s', (_, prefix) => {
  const held = [...NETWORK.map((name) => prefix + name), `${prefix}encoder.0.norm.num_batches_tracked`];
  const names = Object.fromEntries(NETWORK.map((name) => [name, prefix + name]));
  expect(matched(held)).toEqual({ names, unexpected: [], ambiguous: [] });
});

test("names are found behind the prefixes of torchgpipe's partitions, another for each", () => {
  const held = NETWORK.map((name, i) => `partitions.${i >> 1}.${name}`);
  expect(matched(held)).toEqual({
    names: Object.fromEntries(NETWORK.map((name, i) => [name, held[i]])),
    unexpected: [],
    ambiguous: [],
  });
});

test('bare names win over wrapped ones, which the network has no use for', () => {
  const teacher = NETWORK.map((name) => `teacher.${name}`);
  const { names, unexpected, ambiguous } = matched([...teacher, ...NETWORK]);
  expect(names).toEqual(Object.fromEntries(NETWORK.map((name) => [name, name])));
  expect({ unexpected, ambiguous }).toEqual({ unexpected: teacher, ambiguous: [] });
});

test('two whole networks behind prefixes are one too many', () => {
  const held = ['student.', 'teacher.'].flatMap((prefix) => NETWORK.map((name) => prefix + name));
  expect(matched(held).ambiguous).toEqual([
    'the whole network is there 2 times, under student. and teacher.: keep one of them in the file',
  ]);
});

test('a parameter in two partitions is told', () => {
  const held = [...NETWORK.map((name) => `partitions.0.${name}`), 'partitions.1.out.weight'];
  expect(matched(held).ambiguous).toEqual([
    'out.weight is there twice: partitions.0.out.weight and partitions.1.out.weight',
  ]);
});

test('every name of the file is a parameter, is ignored, or is unexpected', () => {
  const part = fc.constantFrom('module', 'partitions', '0', '1', 'encoder', 'conv', 'norm', 'out', 'weight');
  const name = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'));
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(name, fc.constantFrom(...NETWORK)), { maxLength: 12 }), (held) => {
      const { names, unexpected } = matchNames(NETWORK, held);
      expect([...names.values(), ...unexpected].toSorted()).toEqual(held.toSorted());
      for (const [parameter, found] of names) expect(found === parameter || found.endsWith(`.${parameter}`)).toBe(true);
    }),
  );
});
