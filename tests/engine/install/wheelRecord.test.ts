import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRecord } from '../../../src/engine/install/wheelRecord.ts';

test('a RECORD gives the digest and size of each file, but not of itself', () => {
  const record = parseRecord('tensorflow/a.so,sha256=ZQWk-_9,788086608\r\nx-1.0.dist-info/RECORD,,\r\n');
  expect([...record]).toEqual([['tensorflow/a.so', { sha256: 'ZQWk-_9', size: 788086608 }]]);
});

test('every path comes back, with commas and quotes too', () => {
  const quote = (path: string): string => `"${path.replaceAll('"', '""')}"`;
  const path = fc.string({ minLength: 1 }).filter((text) => !/[\r\n]/.test(text));
  fc.assert(
    fc.property(path, (text) => {
      expect([...parseRecord(`${quote(text)},sha256=AAAA,1`).keys()]).toEqual([text]);
    }),
  );
});
