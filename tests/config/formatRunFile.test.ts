import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { withAbsolutePaths } from '../../src/config/dataPaths.ts';
import { formatRunFile } from '../../src/config/formatRunFile.ts';
import { parseRunFile } from '../../src/config/loadRunFile.ts';
import { arbitraryRunFile } from './arbitraryRunFile.ts';
import { exampleText } from './exampleRunFile.ts';

test('a run file that is written loads to the same run', () => {
  fc.assert(
    fc.property(arbitraryRunFile, (run) => {
      expect(parseRunFile(formatRunFile(run), 'run.yaml')).toEqual(run);
    }),
  );
});

test('absolute paths stay what they are, relative ones are taken from the base', () => {
  const run = parseRunFile(exampleText, 'run.yaml', ['data.train[0].image=/data/image.nii']);
  const absolute = withAbsolutePaths(run, '/base');
  expect(absolute.data.train).toEqual([{ image: '/data/image.nii', label: '/base/label.nii.gz' }]);
  expect(withAbsolutePaths(absolute, '/elsewhere')).toEqual(absolute);
});
