import { expect, test } from 'vitest';
import { describeResult, describeValidation } from '../../src/cli/trainReport.ts';
import { parseRunFile } from '../../src/config/loadRunFile.ts';
import { exampleText } from '../config/exampleRunFile.ts';

const describe = (...overrides: readonly string[]): string =>
  describeValidation(parseRunFile(exampleText, 'run.yaml', overrides), '/base');

const same = 'data.validation=[{ image: /base/image.nii.gz, label: label.nii.gz }]';
const other = 'data.validation=[{ image: other.nii.gz, label: label.nii.gz }]';
const both = 'data.validation=[{ image: other.nii.gz, label: l.nii }, { image: image.nii.gz, label: l.nii }]';

test.each([
  [[], 'There are no validation cases in the run file: how good the network is, is not known.'],
  [
    [same],
    'There is one subject: measured on the very image that it was trained on, segmented whole, as it is. This says how well it learnt what it saw, not how well it segments anybody else.',
  ],
  [
    [same, 'data.validation_deformation={ rotate: 10, scale: 0.05, elastic: 3 }'],
    'There is one subject: measured on the very image that it was trained on, segmented whole, under a deformation that training never drew (rotated by up to 10°, scaled by up to 5%, bent by up to 3 voxels). This says how well it learnt what it saw, not how well it segments anybody else.',
  ],
  [[other], 'Measured on 1 image that it was not trained on, segmented whole, as it is.'],
  [
    [both],
    'Measured on 2 images, segmented whole, as it is; it was also trained on 1 of them, so the figure is too good.',
  ],
])('%j is measured honestly', (overrides, text) => {
  expect(describe(...overrides)).toBe(text);
});

test('a result says which structures were better in another validation, and how each phase did', () => {
  const phase = { steps: 4, updates: 4, epochs: 2, seconds: 8 };
  const result = {
    ...{
      meanDice: 0.6,
      dice: { left: 0.7, right: 0.5 },
      steps: 8,
      seconds: 16,
      samplesPerSecond: 2,
      directory: 'runs/a',
    },
    phases: [
      { ...phase, phase: 'small', stoppedEarly: true, best: { meanDice: 0.4, epoch: 1 }, structures: {} },
      {
        ...{ ...phase, phase: 'large', stoppedEarly: false, best: { meanDice: 0.6, epoch: 3 } },
        structures: { left: { dice: 0.7, epoch: 3 }, right: { dice: 0.55, epoch: 4 } },
      },
    ],
  };
  const told = describeResult(parseRunFile(exampleText, 'run.yaml', [same]), '/base', result);
  expect(told.split('\n\n').slice(0, 2)).toMatchInlineSnapshot(`
    [
      "phase  epochs  steps  time  best mean Dice  after epoch
    small       2      4   8 s           0.400            1  stopped early
    large       2      4   8 s           0.600            3",
      "structure   Dice  best by itself  after epoch
    left       0.700
    right      0.500           0.550            4
    mean       0.600",
    ]
  `);
});
