import { expect, test } from 'vitest';
import { philox4x32 } from '../../src/random/philox.ts';

const block = (counter: number[], key: number[]): string[] => {
  const out = new Uint32Array(4);
  philox4x32(Uint32Array.from(counter), Uint32Array.from(key), out);
  return [...out].map((word) => word.toString(16).padStart(8, '0'));
};

// The known answers of the authors' own library (Random123, tests/kat_vectors, philox4x32 with 10 rounds).
test('zeros give the known answer', () => {
  expect(block([0, 0, 0, 0], [0, 0])).toEqual(['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']);
});

test('ones give the known answer', () => {
  const ones = 0xffffffff;
  expect(block([ones, ones, ones, ones], [ones, ones])).toEqual(['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd']);
});

test('the digits of pi give the known answer', () => {
  expect(block([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
    'd16cfe09',
    '94fdcceb',
    '5001e420',
    '24126ea1',
  ]);
});
