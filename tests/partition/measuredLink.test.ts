import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { measuredLink, type Probe } from '../../src/partition/measuredLink.ts';

const rounds = 4;

it('latency, bandwidth and copies are found again in the rounds that they make', () => {
  const figures = fc.record({
    latency: fc.double({ min: 0.01, max: 5, noNaN: true }),
    out: fc.double({ min: 1e-7, max: 1e-6, noNaN: true }),
    way: fc.double({ min: 1e-6, max: 1e-5, noNaN: true }),
    into: fc.double({ min: 1e-7, max: 1e-6, noNaN: true }),
  });
  fc.assert(
    fc.property(figures, ({ latency, out, way, into }) => {
      const least = 65_536;
      const oneWay = (bytes: number): number => latency + bytes * (out + way + into);
      const probe = (bytes: number): Probe => {
        const milliseconds = Array.from({ length: rounds }, () => oneWay(bytes) + oneWay(least));
        const side = (busy: number): Probe['sender'] => ({ milliseconds, occupied: rounds * busy, processor: 0 });
        return { bytes, sender: side(bytes * out + least * into), receiver: side(bytes * into + least * out) };
      };
      const pair = { from: 1, to: 0, small: probe(least), large: probe(2 ** 23) };
      const link = measuredLink({ ...pair, shared: false });
      expect(link).toMatchObject({ from: 1, to: 0 });
      expect(link.latency).toBeCloseTo(latency, 6);
      expect(link.bytes_per_ms * way).toBeCloseTo(1, 6);
      expect((link.copy_bytes_per_ms * (out + into)) / 2).toBeCloseTo(1, 6);
    }),
  );
});

it('where workers fill the cores, all that the link computes is taken from them, and the way is never free', () => {
  const side = (milliseconds: number, processor: number): Probe['sender'] => ({
    milliseconds: [milliseconds],
    ...{ occupied: 0, processor },
  });
  const small: Probe = { bytes: 1000, sender: side(1, 0), receiver: side(1, 0) };
  const large: Probe = { bytes: 11_000, sender: side(11, 6), receiver: side(11, 6) };
  const [own, shared] = [false, true].map((each) => measuredLink({ from: 0, to: 1, small, large, shared: each }));
  expect(own!.copy_bytes_per_ms).toBeGreaterThan(1e8);
  expect(shared!.copy_bytes_per_ms).toBeCloseTo(2 / 1.2e-3);
  expect(shared!.bytes_per_ms).toBeLessThan(Infinity);
});
