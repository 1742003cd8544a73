import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spacingOf } from '../../../src/data/affine.ts';
import { drawPhantom, type PhantomOptions } from '../../../src/data/phantom/phantom.ts';
import { PHANTOM_CLASSES } from '../../../src/data/phantom/structures.ts';

const usual: PhantomOptions = { size: [48, 48, 48], seed: 3, index: 0, noise: 0.05, bias: 0.2 };
const draw = (changes: Partial<PhantomOptions> = {}) => drawPhantom({ ...usual, ...changes });

const countsOf = (labels: Uint8Array): number[] => {
  const counts = PHANTOM_CLASSES.map(() => 0);
  for (const label of labels) counts[label]! += 1;
  return counts;
};

/** Mean brightness of a class. */
const meanOf = (image: Int16Array, labels: Uint8Array, label: number): number => {
  const values = image.filter((_, i) => labels[i] === label);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
};

test('the same seed and case draw the same voxels, another case other ones', () => {
  const again = draw();
  expect(again).toEqual(draw());
  expect(draw({ index: 1 }).labels.values).not.toEqual(again.labels.values);
  expect(draw({ seed: 4 }).labels.values).not.toEqual(again.labels.values);
});

test('every head has all nine organs, on the side that they are named by', () => {
  for (let index = 0; index < 6; index++) {
    const { labels } = draw({ index });
    expect(Math.min(...countsOf(labels.values))).toBeGreaterThan(0);
    const middleOf = (name: (typeof PHANTOM_CLASSES)[number]): number => {
      const label = PHANTOM_CLASSES.indexOf(name);
      const places = [...labels.values].flatMap((value, i) => (value === label ? [i % 48] : []));
      return places.reduce((sum, x) => sum + x, 0) / places.length;
    };
    // The subject's left has the lower x in RAS.
    expect(middleOf('Parotid_L')).toBeLessThan(middleOf('BrainStem'));
    expect(middleOf('BrainStem')).toBeLessThan(middleOf('Parotid_R'));
    expect(middleOf('OpticNerve_L')).toBeLessThan(middleOf('OpticNerve_R'));
  }
});

test('neighbours touch: parotid and mandible, optic nerve and chiasm', () => {
  const { labels } = draw({ size: [96, 96, 96] });
  const touches = (a: (typeof PHANTOM_CLASSES)[number], b: (typeof PHANTOM_CLASSES)[number]): boolean => {
    const [first, second] = [PHANTOM_CLASSES.indexOf(a), PHANTOM_CLASSES.indexOf(b)];
    return labels.values.some(
      (label, i) =>
        label === first && [1, -1, 96, -96, 96 * 96, -96 * 96].some((step) => labels.values[i + step] === second),
    );
  };
  expect(touches('Parotid_L', 'Mandible') && touches('Parotid_R', 'Mandible')).toBe(true);
  expect(touches('OpticNerve_L', 'Chiasm') && touches('OpticNerve_R', 'Chiasm')).toBe(true);
});

test('brightness does not tell the organs from what lies around them', () => {
  const { image, labels } = draw({ noise: 0, bias: 0, size: [64, 64, 64] });
  const stem = meanOf(image.values, labels.values, PHANTOM_CLASSES.indexOf('BrainStem'));
  const asBright = image.values.filter((value, i) => labels.values[i] === 0 && Math.abs(value - stem) < 0.05 * stem);
  expect(asBright.length).toBeGreaterThan(countsOf(labels.values)[PHANTOM_CLASSES.indexOf('BrainStem')]!);
});

test('noise and bias field change the image and no label', () => {
  const plain = draw({ noise: 0, bias: 0 });
  for (const changes of [
    { noise: 0.1, bias: 0 },
    { noise: 0, bias: 0.4 },
  ]) {
    const { image, labels } = draw(changes);
    expect(labels).toEqual(plain.labels);
    expect(image.values).not.toEqual(plain.image.values);
  }
});

describe('any grid', () => {
  const length = fc.integer({ min: 8, max: 40 });
  const spacing = fc.constantFrom(0.5, 1, 2.5, 6);

  test('is filled, with the voxel size that was asked for', () => {
    fc.assert(
      fc.property(fc.tuple(length, length, length), fc.tuple(spacing, spacing, spacing), (size, millimetres) => {
        const { image, labels } = draw({ size, spacing: millimetres });
        expect(image.values.length).toBe(size[0] * size[1] * size[2]);
        expect(labels.size).toEqual(size);
        expect(spacingOf(image.affine)).toEqual(millimetres);
      }),
      { numRuns: 20 },
    );
  });

  test('shows the same head: organs have the same volume on a finer one', () => {
    const millilitres = (n: number): number => {
      const { labels } = draw({ size: [n, n, n] });
      const voxel = spacingOf(labels.affine).reduce((product, mm) => product * mm, 1) / 1000;
      return countsOf(labels.values)[PHANTOM_CLASSES.indexOf('BrainStem')]! * voxel;
    };
    expect(millilitres(48) / millilitres(80)).toBeCloseTo(1, 1);
  });
});
