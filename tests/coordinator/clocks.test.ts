import fc from 'fast-check';
import { expect, it } from 'vitest';
import { clockOffset, type ClockExchange } from '../../src/coordinator/clocks.ts';
import { milliseconds } from '../support/milliseconds.ts';

const way = milliseconds(50);

it('a clock is found to be ahead by what it is, but for half of the fastest exchange', () => {
  const ahead = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(ahead, fc.array(fc.tuple(way, way), { minLength: 1 }), (offset, ways) => {
      const exchanges = ways.map(([there, back], n): ClockExchange => {
        const asked = 1000 * n;
        return { asked, told: asked + there + offset, heard: asked + there + back };
      });
      const fastest = Math.min(...exchanges.map(({ asked, heard }) => heard - asked));
      expect(Math.abs(clockOffset(exchanges) - offset)).toBeLessThanOrEqual(fastest + 1e-6);
    }),
  );
});

it('processes of one machine have one clock, however lopsided the exchange', () => {
  fc.assert(
    fc.property(way, way, (there, back) => {
      expect(clockOffset([{ asked: 0, told: there, heard: there + back }])).toBe(0);
    }),
  );
});
