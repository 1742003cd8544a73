import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeNifti } from '../../src/data/nifti/write.ts';
import type { Affine } from '../../src/data/volume.ts';
import { goldenCase } from '../support/golden.ts';
import { lampWith, type Ended } from './lamp.ts';

type Triple = readonly [number, number, number];

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lamp-evaluate-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const affineOf = ([x, y, z]: Triple): Affine => [
  [x, 0, 0, -10],
  [0, y, 0, 5],
  [0, 0, z, 0],
  [0, 0, 0, 1],
];

/** Writes a label map under the folder; returns its path. */
async function labels(
  name: string,
  values: ArrayLike<number>,
  size: Triple = [values.length, 1, 1],
  spacing: Triple = [1, 1, 1],
): Promise<string> {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  await writeNifti(file, { size, channels: 1, values: Uint8Array.from(values), affine: affineOf(spacing) });
  return file;
}

const evaluate = (prediction: string, truth: string, ...words: readonly string[]): Promise<Ended> =>
  lampWith({}, 'evaluate', '--prediction', prediction, '--truth', truth, ...words);

const lines = ({ out }: Ended): readonly Record<string, unknown>[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("the reference's volumes, written as NIfTI", () => {
  /** One-hot (batch, class, i, j, k) with k fastest, as classes with i fastest, by sample. */
  async function write(name: 'prediction' | 'target', spacing: Triple): Promise<string> {
    const golden = await goldenCase('metric_surface');
    const [batch = 0, classes = 0, nx = 0, ny = 0, nz = 0] = golden.shape(name);
    const oneHot = golden.floats(name);
    for (let sample = 0; sample < batch; sample++) {
      const values = new Uint8Array(nx * ny * nz);
      for (let label = 0; label < classes; label++)
        for (let i = 0; i < nx; i++)
          for (let j = 0; j < ny; j++)
            for (let k = 0; k < nz; k++)
              if (oneHot[k + nz * (j + ny * (i + nx * (label + classes * sample)))] === 1)
                values[i + nx * (j + ny * k)] = label;
      await labels(`${name}/case_${sample}.nii.gz`, values, [nx, ny, nz], spacing);
    }
    return join(folder, name);
  }

  /** Figures by (case, structure), as the reference has them. */
  async function figures(spacing: Triple, figure: string): Promise<readonly number[]> {
    const [prediction, truth] = [await write('prediction', spacing), await write('target', spacing)];
    const ended = await evaluate(prediction, truth, '--classes', 'background,one,two', '--json');
    expect(ended.code).toBe(0);
    const cases = lines(ended).flatMap(({ kind, result }) =>
      kind === 'case' ? [result as { structures: Record<string, number>[] }] : [],
    );
    return cases.flatMap(({ structures }) => structures.map((structure) => structure[figure]!));
  }

  test.each(['hd', 'hd95', 'asd', 'assd', 'surface_dice'])('have the %s of the reference', async (figure) => {
    const expected = [...(await goldenCase('metric_surface')).doubles(figure)];
    const got = await figures([1, 1, 1], figure);
    expect(got).toEqual(expected.map((value) => expect.closeTo(value, 5)));
  });

  test('have its distances in mm where voxels are oblong', async () => {
    const expected = [...(await goldenCase('metric_surface')).doubles('hd95_spacing')];
    const got = await figures([1, 2, 0.5], 'hd95');
    expect(got).toEqual(expected.map((value) => expect.closeTo(value, 5)));
  });
});

describe('one file', () => {
  test('has a table with volumes in ml, and what the distances are', async () => {
    const truth = await labels('truth.nii', [0, 1, 1, 0, 2, 2, 2, 0], [8, 1, 1], [10, 10, 10]);
    const prediction = await labels('prediction.nii', [0, 1, 0, 0, 2, 2, 2, 2], [8, 1, 1], [10, 10, 10]);
    const { code, out } = await evaluate(prediction, truth, '--classes', 'background,liver,tumour', '--tolerance', '5');
    expect(code).toBe(0);
    expect(out).toBe(
      [
        'truth (1 of 1)',
        'structure   Dice  HD95     HD   ASD  ASSD  surface Dice  truth ml  predicted ml',
        'liver      0.667  9.50  10.00  0.00  3.33         0.667     2.000         1.000',
        'tumour     0.857  8.50  10.00  2.50  1.43         0.857     3.000         4.000',
        '',
        'distances in mm; surface Dice at 5 mm',
        '',
      ].join('\n'),
    );
  });

  test('without names has a structure for each value', async () => {
    const { out } = await evaluate(await labels('p.nii', [0, 7, 7]), await labels('t.nii', [0, 7, 3]), '--json');
    const [first] = lines({ code: 0, err: '', out });
    expect(
      (first!['result'] as { structures: { structure: string }[] }).structures.map((each) => each.structure),
    ).toEqual(['label 3', 'label 7']);
  });

  test('takes the classes of a run, and the values of its label map', async () => {
    const run = join(folder, 'run');
    mkdirSync(run);
    writeFileSync(
      join(run, 'run.yaml'),
      `name: brain
model: { name: unetpipe, out_channels: 2, depth: 2 }
data:
  train: [{ image: image.nii.gz, label: label.nii.gz }]
  classes: [background, left]
  label_map: { left: [77, 78] }
optimizer: { name: rmsprop, lr: 0.001 }
training: { epochs: 3, batch_size: 4 }
`,
    );
    const [prediction, truth] = [await labels('p.nii', [0, 1, 1]), await labels('t.nii', [5, 77, 78])];
    const { code, out } = await evaluate(prediction, truth, '--run', run, '--label-map');
    expect([code, out]).toEqual([0, expect.stringContaining('left       1.000')]);
    expect((await evaluate(prediction, truth, '--run', run)).out).toContain('not evaluated: ');
  });
});

describe('a structure that is missing', () => {
  const json = async (prediction: readonly number[], truth: readonly number[], ...words: readonly string[]) => {
    const files = [await labels('p.nii', prediction), await labels('t.nii', truth)] as const;
    const [first] = lines(await evaluate(...files, '--classes', 'background,a', '--json', ...words));
    return (first!['result'] as { structures: unknown[] }).structures[0];
  };

  test('in the truth has no figures', async () => {
    expect(await json([0, 1], [0, 0])).toMatchObject({ dice: null, hd95: null, surface_dice: null, truth_volume: 0 });
  });

  test('in the prediction alone has a Dice of 0 and infinite distances', async () => {
    expect(await json([0, 0], [0, 1])).toMatchObject({
      dice: 0,
      hd: 'Infinity',
      assd: 'Infinity',
      hd95: null,
      surface_dice: 0,
    });
  });

  test('in both has a Dice of 1 by option, and in the truth alone then 0', async () => {
    expect(await json([0, 0], [0, 0], '--count-empty')).toMatchObject({ dice: 1, hd95: null });
    expect(await json([0, 1], [0, 0], '--count-empty')).toMatchObject({ dice: 0 });
  });
});

describe('two folders', () => {
  test('have a table a case and one of means; what is absent is counted; bad cases lose no others', async () => {
    await labels('predictions/a.nii.gz', [0, 1, 1, 2]);
    await labels('truths/a.nii.gz', [0, 1, 1, 0]);
    await labels('predictions/b.nii.gz', [0, 1, 0, 0]);
    await labels('truths/b.nii.gz', [0, 1, 1, 2]);
    await labels('predictions/c.nii.gz', [0, 1, 0]);
    await labels('truths/c.nii.gz', [0, 1, 1, 2]);
    await labels('truths/d.nii.gz', [0, 1, 1, 2]);
    const csv = join(folder, 'figures.csv');
    const ended = await evaluate(
      ...([join(folder, 'predictions'), join(folder, 'truths')] as const),
      ...['--classes', 'background,liver,"odd"', '--csv', csv],
    );
    expect(ended.code).toBe(1);
    expect(ended.out).toContain('d: not evaluated: there is no prediction of this name');
    expect(ended.out).toMatch(
      /c: not evaluated: .*do not lie on the same grid: the first has 3 × 1 × 1 voxels, the second 4/,
    );
    expect(ended.out).toContain('b (2 of 3)');
    expect(ended.out).toContain('mean ± sd over 2 cases');
    expect(ended.out).toMatch(/liver +0\.833 ± 0\.236 .* 2\n/);
    expect(ended.out).toContain(
      '"odd": absent from the truth of 1 case, which do not count\n"odd": not found in 1 case',
    );
    expect(ended.out).toContain('2 cases not evaluated: d, c');
    const [header, ...rows] = readFileSync(csv, 'utf8').trimEnd().split('\n');
    expect(header).toBe(
      'case,structure,dice,hd95_mm,hd_mm,asd_mm,assd_mm,surface_dice,truth_ml,predicted_ml,tolerance_mm',
    );
    expect(rows).toEqual([
      'a,liver,1,0,0,0,0,1,0.002,0.002,1',
      'a,"""odd""",NaN,NaN,NaN,NaN,NaN,NaN,0,0.001,1',
      expect.stringMatching(/^b,liver,0\.6666666666666666,0\.95/),
      'b,"""odd""",0,NaN,inf,inf,inf,0,0.001,0,1',
    ]);
  });

  test('whose affines lay the voxels elsewhere are told so', async () => {
    const truth = await labels('t.nii', [0, 1, 1], [3, 1, 1], [1, 1, 1]);
    const prediction = await labels('p.nii', [0, 1, 1], [3, 1, 1], [1.5, 1, 1]);
    const { code, out } = await evaluate(prediction, truth);
    expect([code, out]).toEqual([1, expect.stringContaining('lay voxels up to 1.00 mm apart (a voxel is 1.00 mm)')]);
  });
});

test.each([
  [['--tolerance', '-1'], '--tolerance'],
  [['--classes', 'liver'], '--classes'],
  [['--label-map'], '--run'],
  [['--run', 'absent'], 'there is no run.yaml in it'],
  [['--csv', 'absent/figures.csv'], 'there is no folder absent'],
])('%s is refused', async (words, told) => {
  const file = await labels('t.nii', [0, 1]);
  const { code, err } = await evaluate(file, file, ...words);
  expect([code, err]).toEqual([2, expect.stringContaining(told)]);
});

test('what is not there is refused', async () => {
  const { code, err } = await evaluate(join(folder, 'absent.nii'), await labels('t.nii', [0, 1]));
  expect([code, err]).toEqual([2, expect.stringContaining('there is no such file or folder')]);
});
