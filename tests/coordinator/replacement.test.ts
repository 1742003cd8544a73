import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseReplacement } from '../../src/coordinator/replacement.ts';

const lost = { id: 'lost', agent: 'a', host: 'here', forGood: false };
const names = fc.constantFrom('here', 'there');
const candidate = fc.record({
  host: fc.record({
    agent: fc.constantFrom('a', 'b', 'c'),
    name: names,
    replaces: fc.constantFrom(undefined, 'lost', 'other', 'older'),
  }),
});
const idle = fc.array(candidate, { maxLength: 5 });
const times = fc.record({ waited: fc.nat(60_000), wait: fc.nat(40_000) });

test('whoever was started in its place takes it, whoever else there is and however long it took', () => {
  fc.assert(
    fc.property(idle, times, fc.boolean(), (others, time, forGood) => {
      const own = { host: { agent: 'a', name: 'here', replaces: 'lost' } };
      const choice = chooseReplacement([...others, own], { ...lost, forGood }, time);
      expect(choice).toMatchObject({ kind: 'take', candidate: { host: { replaces: 'lost' } } });
    }),
  );
});

test('a wait has an end: what is left of the time that there is, at most', () => {
  fc.assert(
    fc.property(idle, times, fc.boolean(), (others, { waited, wait }, forGood) => {
      const choice = chooseReplacement(others, { ...lost, forGood }, { waited, wait });
      if (choice.kind === 'wait') {
        expect(choice.milliseconds).toBeGreaterThan(0);
        expect(waited + choice.milliseconds).toBeLessThanOrEqual(wait);
      }
      if (choice.kind === 'none') expect([others, waited >= wait]).toEqual([[], true]);
      if (waited >= wait && others.length > 0) expect(choice.kind).toBe('take');
    }),
  );
});

test('a spare is not taken at once, unless nobody will come in the place', () => {
  const spare = { host: { agent: 'b', name: 'there' } };
  const time = { waited: 0, wait: 30_000 };
  expect(chooseReplacement([spare], lost, time)).toEqual({ kind: 'wait', milliseconds: 5000 });
  expect(chooseReplacement([spare], lost, { ...time, waited: 5000 })).toEqual({ kind: 'take', candidate: spare });
  expect(chooseReplacement([spare], { ...lost, forGood: true }, time)).toEqual({ kind: 'take', candidate: spare });
  expect(chooseReplacement([spare], lost, { waited: 0, wait: 0 })).toEqual({ kind: 'take', candidate: spare });
});

test('spares of the same host go before others, and those that another lost worker waits for last', () => {
  const spares = [
    { host: { agent: 'a', name: 'here', replaces: 'other' } },
    { host: { agent: 'b', name: 'there' } },
    { host: { agent: 'b', name: 'here' } },
    { host: { agent: 'a', name: 'here' } },
  ];
  const time = { waited: 10_000, wait: 30_000, others: ['other'] };
  for (let left = spares.length; left > 0; left--)
    expect(chooseReplacement(spares.slice(0, left), lost, time)).toEqual({
      kind: 'take',
      candidate: spares[left - 1],
    });
});
