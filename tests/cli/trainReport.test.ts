import { expect, test } from 'vitest';
import { describeValidation } from '../../src/cli/trainReport.ts';
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
