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

test('a schedule of the user keeps its path, made absolute, and our own their names', () => {
  const scheduleOf = (name: string): string =>
    withAbsolutePaths(parseRunFile(exampleText, 'run.yaml', [`pipeline.schedule=${name}`]), '/base').pipeline.schedule;
  expect(scheduleOf('my.schedule')).toBe('/base/my.schedule');
  expect(scheduleOf('/elsewhere/my.schedule')).toBe('/elsewhere/my.schedule');
  expect(scheduleOf('zb_v')).toBe('zb_v');
});

test('absolute paths stay what they are, relative ones are taken from the base', () => {
  const run = parseRunFile(exampleText, 'run.yaml', ['data.train[0].image=/data/image.nii']);
  const absolute = withAbsolutePaths(run, '/base');
  expect(absolute.data.train).toEqual([{ image: '/data/image.nii', label: '/base/label.nii.gz' }]);
  expect(withAbsolutePaths(absolute, '/elsewhere')).toEqual(absolute);
});
