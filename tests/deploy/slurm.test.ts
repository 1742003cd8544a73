import { chmodSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallRun, writeRun } from '../support/dataset.ts';
import { until } from '../support/processes.ts';
import { differenceOf } from '../support/replay.ts';
import { Slurm, whyNoSlurm } from '../support/slurm.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lastWeights, lossesOf } from '../support/trained.ts';

const folder = temporaryFolder();
const timeout = 180_000;
const why = whyNoSlurm();
const slurm = new Slurm(join(folder, 'slurm'));
const built = new URL('../../dist/cli/main.js', import.meta.url).href;
const runFolder = (name: string): string => join(folder, 'runs', name);
const logOf = (name: string): string =>
  existsSync(join(folder, `${name}.log`)) ? readFileSync(join(folder, `${name}.log`), 'utf8') : '';

describe.skipIf(why !== undefined)(`a Slurm job${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  beforeAll(async () => {
    await writeRun(folder);
    const training = { epochs: 20, batch_size: 2, validate_every: 5 };
    const pipeline = { workers: 2, micro_batches: 2, balance: [7, 5] };
    writeFileSync(join(folder, 'job.yaml'), stringify({ ...smallRun(), training, pipeline }));
    const program = `const { main } = await import(${JSON.stringify(built)}); await main(process.argv);`;
    writeFileSync(join(folder, 'main.mjs'), program);
    writeFileSync(join(folder, 'lamp'), `#!/bin/bash\nexec ${process.execPath} ${join(folder, 'main.mjs')} "$@"\n`);
    chmodSync(join(folder, 'lamp'), 0o755);
    cpSync(fileURLToPath(new URL('../../deploy/slurm/lamp.sbatch', import.meta.url)), join(folder, 'lamp.sbatch'));
    await slurm.start();
  }, timeout);
  afterAll(() => slurm.stop());

  function submit(name: string): string {
    const words = ['--parsable', '--ntasks=2', `--output=${name}.log`, 'lamp.sbatch', 'job.yaml', name];
    return slurm.run('sbatch', words, { cwd: folder, env: { LAMP: join(folder, 'lamp') } }).trim();
  }

  const isOver = (): boolean => slurm.run('squeue', ['--noheader']).trim() === '';

  it(
    'trains on the workers that srun starts; preempted, it is saved, queued again, and ends the same',
    { timeout },
    async () => {
      submit('whole');
      await until(() => existsSync(runFolder('whole')) && isOver(), 90_000);
      expect(logOf('whole')).toContain('parameters on 2 workers');

      const job = submit('preempted');
      await until(() => logOf('preempted').includes('epoch 5: validated'), 60_000);
      slurm.run('scancel', ['--signal=TERM', '--batch', job]);
      await until(() => slurm.run('squeue', ['--noheader', '--format=%T']).trim() === 'PENDING', 60_000);
      expect(logOf('preempted')).toContain('to go on: lamp train --resume runs/preempted');
      // What is queued again waits for two minutes, unless it is told otherwise.
      await until(() => {
        slurm.run('scontrol', ['update', `JobId=${job}`, 'StartTime=now']);
        return logOf('preempted').includes('going on after step');
      }, 60_000);
      await until(isOver, 60_000);
      expect(lossesOf(runFolder('preempted'))).toEqual(lossesOf(runFolder('whole')));
      expect(differenceOf(await lastWeights(runFolder('preempted')), await lastWeights(runFolder('whole')))).toBe(0);
    },
  );
});
