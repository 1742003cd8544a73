import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTable } from '../../src/telemetry/table.ts';
import { textWidth } from '../../src/telemetry/textWidth.ts';

test('titles and cells stand in columns, numbers to the right', () => {
  const columns = [{ title: 'structure' }, { title: 'Dice', align: 'right' }] as const;
  expect(
    formatTable(columns, [
      ['thalamus_left', '0.8'],
      ['面', '0.75'],
    ]),
  ).toBe(['structure      Dice', 'thalamus_left   0.8', '面             0.75'].join('\n'));
});

test('a table without titles has no line for them', () => {
  expect(
    formatTable(
      [{}, { align: 'right' }],
      [
        ['a', '1'],
        ['bb', '22'],
      ],
    ),
  ).toBe('a    1\nbb  22');
  expect(formatTable([{}], [])).toBe('');
});

test('every line of a table is equally wide where its last column is aligned to the right', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'é', 'e\u0301', '面', '👩‍👧', 'ｗ'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
      const lines = formatTable([{}, { align: 'right' }], rows).split('\n');
      expect(new Set(lines.map(textWidth)).size).toBe(1);
    }),
  );
});

test.each([
  ['abc', 3],
  ['面', 2],
  ['e\u0301', 1],
  ['\u001b[31mred\u001b[39m', 3],
  ['', 0],
])('%j takes %i columns', (text, columns) => {
  expect(textWidth(text)).toBe(columns);
});
