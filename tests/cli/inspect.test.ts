import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { decathlon, han } from '../support/dataSets.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lampWith } from './lamp.ts';

const root = temporaryFolder();

test('a data set that is in order is shown as tables, with a block for a run file', async () => {
  const { code, out, err } = await lampWith({}, 'inspect', han(join(root, 'han')).path);
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/case +set +voxels +mm +axes +channel +min +0\.5% +median +99\.5% +max\n/);
  expect(out).toMatch(/p2 +train +2 × 2 × 1 +1 × 1 × 1 +RAS +0 +1 +1 +8 +9 +9\n/);
  expect(out).toMatch(/case +BrainStem +Chiasm\n/);
  expect(out).toMatch(/p2 +— +2\n/);
  expect(out).toMatch(/BrainStem +1 +2 +1 +1 +1\n/);
  expect(out).toContain('✓ 3 cases: nothing is wrong');
  expect(out).toMatch(/data:\n {2}dataset: .*han"\n {2}classes: \[background, BrainStem, Chiasm\]\n$/);
});

test('a folder may be given from where one stands, and what cannot be read is told once', async () => {
  const { path } = han(join(root, 'unread'));
  for (const name of ['Chiasm', 'BrainStem'])
    writeFileSync(join(path, `train/p1/structures/${name}_crp_v2.npy`), 'no mask');
  const { code, out } = await lampWith({}, 'inspect', relative(process.cwd(), path));
  expect(code).toBe(1);
  expect(out).toContain('✗ 3 cases: 2 faults');
  expect(out).toMatch(/p1 +— +—\n/);
  expect(out).toContain(`${path}/train/p1/structures/Chiasm_crp_v2.npy: the file does not begin as a .npy file`);
  expect(out).toContain(`dataset: ${JSON.stringify(path)}`);
});

test('faults end with code 1, each with its file and what mends it', async () => {
  const folder = decathlon(join(root, 'liver'));
  folder.put('imagesTr/liver_a.nii.gz', 'no image').nifti('labelsTr/liver_b.nii.gz', { values: [0, 0, 0, 5] });
  const { code, out } = await lampWith({}, 'inspect', folder.path);
  expect(code).toBe(1);
  expect(out).toContain('✗ 2 cases: 3 faults');
  expect(out).toMatch(/✗ \S+imagesTr\/liver_a\.nii\.gz: .*/);
  expect(out).toMatch(/✗ \S+labelsTr\/liver_b\.nii\.gz: unknown labels: 5 \(1 voxels\)\. Name them/);
  const { code: same, out: json } = await lampWith({}, 'inspect', folder.path, '--json');
  expect(same).toBe(1);
  expect(JSON.parse(json)).toMatchObject({ sound: false, cases: [{ name: 'liver_a' }, { name: 'liver_b' }] });
});

test('the brain that comes along is sound', async () => {
  const file = fileURLToPath(new URL('../../examples/brain9/run.yaml', import.meta.url));
  const { code, out } = await lampWith({}, 'inspect', file);
  expect(code).toBe(0);
  expect(out).toContain('90 × 108 × 90');
  expect(out).not.toContain('data:');
});

test('files that a run file names and that are not there are told with the rest', async () => {
  const file = join(root, 'gaps.yaml');
  const lines = ['a', 'b'].map((name) => `    - { image: ${name}.nii, label: ${name}.label.nii }`).join('\n');
  writeFileSync(
    file,
    `name: x
model: { name: unetpipe, out_channels: 2 }
data:
  classes: [background, organ]
  train:
${lines}
optimizer: { name: sgd, lr: 1 }
training: { epochs: 1, batch_size: 1 }
`,
  );
  const { code, out } = await lampWith({}, 'inspect', file);
  expect(code).toBe(1);
  for (const name of ['a.nii', 'a.label.nii', 'b.nii', 'b.label.nii'])
    expect(out).toContain(`${join(root, name)}: there is no such file`);
});

test('what is no data set ends with code 2', async () => {
  expect(await lampWith({}, 'inspect', join(root, 'nowhere'))).toMatchObject({ code: 2, out: '' });
  const { code, err } = await lampWith({}, 'inspect', root);
  expect([code, err]).toEqual([2, expect.stringContaining('--format')]);
  expect((await lampWith({}, 'inspect', root, '--format', 'zip')).code).toBe(2);
});
