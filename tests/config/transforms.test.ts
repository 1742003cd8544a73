import { describe, expect, test } from 'vitest';
import { parseRunFile } from '../../src/config/loadRunFile.ts';
import { isRandom, transformSteps } from '../../src/config/transformList.ts';
import { exampleText } from './exampleRunFile.ts';

const withTransforms = (transforms: string, patch = '[48, 48, 48]'): string =>
  exampleText.replace('patch_size: [48, 48, 48]', `patch_size: ${patch}\n  transforms:\n${transforms}`);

const messageOf = (text: string, overrides: readonly string[] = []): string => {
  try {
    parseRunFile(text, 'run.yaml', overrides);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no fault';
};

const transformsOf = (text: string, overrides: readonly string[] = []) =>
  parseRunFile(text, 'run.yaml', overrides).data.transforms;

describe('transforms by name', () => {
  test('have the defaults of MONAI', () => {
    expect(transformsOf(withTransforms('    - { name: RandGaussianNoise }'))).toEqual([
      { name: 'RandGaussianNoise', prob: 0.1, mean: 0, std: 0.1 },
    ]);
    expect(transformsOf(withTransforms('    - { name: SpatialPad, spatial_size: [64, 64, -1] }'))).toEqual([
      { name: 'SpatialPad', spatial_size: [64, 64, -1], method: 'symmetric', mode: 'constant' },
    ]);
  });

  test('normalize where there is no list', () => {
    expect(transformsOf(exampleText)).toEqual([{ name: 'NormalizeIntensity', nonzero: true, channel_wise: true }]);
  });

  test('are reached from the command line, in a list within the list too', () => {
    const text = withTransforms(
      `    - { name: Spacing, pixdim: [1, 1, 1] }\n    - { name: Compose, transforms: [{ name: RandFlip }] }`,
    );
    const [spacing, compose] = transformsOf(text, [
      'data.transforms[0].pixdim[2]=2',
      'data.transforms[1].transforms[0].prob=0.5',
    ]);
    expect(spacing).toMatchObject({ pixdim: [1, 1, 2] });
    expect(compose).toMatchObject({ transforms: [{ name: 'RandFlip', prob: 0.5 }] });
  });

  test('a list within the list stands for its steps', () => {
    const steps = transformSteps([
      { name: 'ScaleIntensityRange', a_min: 0, a_max: 1, b_min: 0, b_max: 1, clip: true },
      { name: 'Compose', transforms: [{ name: 'RandFlip', prob: 1 }] },
    ]);
    expect(steps.map(({ step, place, key }) => [step.name, isRandom(step), place, key])).toEqual([
      ['ScaleIntensityRange', false, '0', 'data.transforms[0]'],
      ['RandFlip', true, '1.0', 'data.transforms[1].transforms[0]'],
    ]);
  });
});

test.each([
  [
    'a misspelt name',
    '    - { name: Spacings, pixdim: [1, 1, 1] }',
    /line 12, data\.transforms\[0\]\.name: "Spacings" is not allowed; give Orientation, .*; did you mean Spacing\?/,
  ],
  [
    'an argument of another transform',
    '    - { name: Orientation, axcodes: RAS, prob: 1 }',
    /data\.transforms\[0\]\.prob: no such key; it belongs to data\.transforms\[0\]\.name: RandFlip or/,
  ],
  [
    'a misspelt argument within a list within the list',
    '    - { name: Compose, transforms: [{ name: RandFlip, porb: 1 }] }',
    'data.transforms[0].transforms[0].porb: no such key; did you mean data.transforms[0].transforms[0].prob?',
  ],
  [
    'a code that names an axis twice',
    '    - { name: Orientation, axcodes: RLS }',
    'data.transforms[0].axcodes: "RLS" is not allowed; give three letters, one of L or R',
  ],
  [
    'two sizes for three axes',
    '    - { name: Spacing, pixdim: [1, 1] }',
    'data.transforms[0].pixdim: [1,1] is not allowed; give a list of 3, each a number above 0',
  ],
  [
    'a deterministic transform after a random one',
    '    - { name: RandFlip }\n    - { name: Compose, transforms: [{ name: Orientation, axcodes: RAS }] }',
    'data.transforms[1].transforms[0]: Orientation, which is done once to every image, comes after RandFlip, which is drawn for every sample; put Orientation before data.transforms[0]',
  ],
  [
    'a crop beside a patch',
    '    - { name: RandCropByPosNegLabel, spatial_size: [48, 48, 48] }',
    'data.patch_size: [48, 48, 48] beside RandCropByPosNegLabel (data.transforms[0]), which crops too; take one of the two away',
  ],
  [
    'a window without a width',
    '    - { name: ScaleIntensityRange, a_min: 5, a_max: 5, b_min: 0, b_max: 1 }',
    'data.transforms[0].a_max: 5 is a_min too',
  ],
  [
    'a subtrahend alone',
    '    - { name: NormalizeIntensity, subtrahend: 5 }',
    'data.transforms[0].divisor: is missing beside subtrahend; give both, or neither',
  ],
  [
    'more numbers than channels, and a division by 0',
    '    - { name: NormalizeIntensity, subtrahend: [1, 2], divisor: 0 }',
    /subtrahend: 2 numbers for images of 1 channel .*\n.*divisor: holds 0/,
  ],
  [
    'a channel that images have not',
    '    - { name: CropForeground, channel_indexes: [0, 1] }',
    'data.transforms[0].channel_indexes: 1 for images of 1 channel (model.in_channels); give [0], or nothing',
  ],
  [
    'a range that runs down',
    '    - { name: RandScaleIntensity, factors: [0.5, -0.5] }',
    'data.transforms[0].factors: [0.5, -0.5] runs down; give [-0.5, 0.5]',
  ],
])('%s is refused with the key and the remedy', (_, transforms, message) => {
  const text = messageOf(withTransforms(transforms));
  if (typeof message === 'string') expect(text).toContain(message);
  else expect(text).toMatch(message);
});

test.each([
  ['[50, 48, -1]', '', 'give such sizes, as [48, 48, -1]'],
  ['[48, 48, -1]', '', 'no fault'],
  ['[48, 48, 8]', 'model.spatial_dims=2', 'give [48, 48, 1]'],
  ['[48, 48, 1]', 'model.spatial_dims=2', 'no fault'],
])('a crop of %s %s: %s', (size, override, message) => {
  const text = withTransforms(`    - { name: RandCropByPosNegLabel, spatial_size: ${size} }`, 'whole');
  expect(messageOf(text, override === '' ? [] : [override])).toContain(message);
});

test('a crop that takes no voxel is refused', () => {
  const text = withTransforms(
    '    - { name: RandCropByPosNegLabel, spatial_size: [48, 48, 48], pos: 0, neg: 0 }',
    'whole',
  );
  expect(messageOf(text)).toContain('data.transforms[0].pos: 0, and neg is 0 too');
});
