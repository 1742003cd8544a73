import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PictureError, withPictures } from '../../src/pipeline/schedulePictures.ts';
import { scheduleNames, schedules } from '../../src/pipeline/schedules.ts';

const page = readFileSync(new URL('../../docs/scheduling.md', import.meta.url), 'utf8');

it('docs/scheduling.md shows the schedules as they are generated (npm run docs)', () => {
  expect(page).toBe(withPictures(page));
});

it('every schedule of training has its picture there', () => {
  for (const name of scheduleNames.filter((each) => schedules[each].passes === 'training'))
    expect(page).toContain(`<!-- schedule: ${name}, `);
});

it('a picture is drawn behind its comment, in place of what stood there', () => {
  const comment = '<!-- schedule: gpipe, 2 workers, 1 micro-batch -->\n';
  const drawn = withPictures(`before\n\n${comment}\nbehind\n`);
  expect(drawn).toBe(
    [
      'before\n',
      comment.trimEnd(),
      '\n```text',
      'clock     0    1    2    3    4    5',
      'worker 0  0F0  .    .    .    0B0  =',
      'worker 1  .    1F0  1B0  =    .    .',
      '```\n',
      'behind\n',
    ].join('\n'),
  );
  expect(withPictures(drawn.replaceAll('0F0', 'xxx'))).toBe(drawn);
});

it('a picture that there is not is refused', () => {
  for (const words of ['zb_x, 2 workers, 3 micro-batches', 'gpipe, two workers', 'zb_v'])
    expect(() => withPictures(`<!-- schedule: ${words} -->\n`)).toThrow(PictureError);
});
