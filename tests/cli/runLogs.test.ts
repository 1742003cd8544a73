import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FailureFacts } from '../../src/telemetry/failureReport/facts.ts';
import { writeRun } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { until } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const timeout = 120_000;
const run = join(folder, 'runs', 'killed');

describe('a run of which a worker is killed', () => {
  let lamp: LampProcess;
  beforeAll(async () => {
    const file = await writeRun(folder);
    const endless = ['--set', 'training.epochs=100000', '--set', 'training.validate_every=0'];
    const flags = ['--name', 'killed', '--output', join(folder, 'runs'), '--json', '--verbose', ...endless];
    lamp = new LampProcess(['train', file, ...flags, '--set', 'recovery.max_restarts=0']);
    await until(() => lamp.events('step').length >= 2, 60_000);
    process.kill(lamp.events<{ workers: { pid: number }[] }>('launched')[0]!.workers[1]!.pid, 'SIGKILL');
    await lamp.ended;
  }, timeout);

  it('tells where more is known of it', async () => {
    expect(await lamp.ended).toBe(1);
    expect(lamp.err).toContain(`what is known of it: ${join(run, 'failures', '0001-worker-1.txt')}`);
  });

  it('leaves a report that names the action, what all others were at, and what became of the run', () => {
    const facts = JSON.parse(readFileSync(join(run, 'failures', '0001-worker-1.json'), 'utf8')) as FailureFacts;
    expect(facts.failure).toMatchObject({ peer: 'worker 1', stages: [1] });
    expect(facts.failure.during).toMatch(/^(\d+[FBIW]\d+|step|apply|idle|snapshot)$/);
    expect(facts.failure.causes[0]!.message).toContain('SIGKILL');
    expect(facts.processes.map(({ name }) => name).toSorted()).toEqual(['loader', 'worker 0', 'worker 1']);
    const worker = facts.processes.find(({ name }) => name === 'worker 0')!;
    expect(worker.recent).toHaveLength(20);
    expect(worker.recent.map(({ action }) => action)).toContain('0F0');
    expect(worker.memory!.peakResident).toBeGreaterThan(worker.memory!.bytes);
    expect(facts.versions).toMatchObject({ node: process.versions.node, lamp: expect.stringMatching(/^\d/) });
    expect(facts.layout).toMatchObject({ workers: 2, stages: [{ worker: 0 }, { worker: 1 }] });
    expect(facts.outcome).toMatchObject({ kind: 'ended' });
  });

  it('leaves the logs of every process, which are told as one in the order of time', async () => {
    const files = ['coordinator.jsonl', 'loader.jsonl', 'worker-0.jsonl', 'worker-1.jsonl'];
    expect(readdirSync(join(run, 'logs')).toSorted()).toEqual(files);
    const shown = new LampProcess(['logs', run, '--json']);
    expect([await shown.ended, shown.err]).toEqual([0, '']);
    const lines = shown.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);
    const times = lines.map(({ time }) => Date.parse(time!));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(lines.map((line) => line['process']))).toEqual(
      new Set(['coordinator', 'loader', 'worker 0', 'worker 1']),
    );
    const of = (name: string): (string | undefined)[] =>
      lines.filter((line) => line['process'] === name).map(({ msg }) => msg);
    expect(of('coordinator')).toEqual(
      expect.arrayContaining([
        'the run begins',
        'started a process',
        'launched',
        'a process failed',
        'the run has ended',
      ]),
    );
    expect(of('worker 0')).toEqual(expect.arrayContaining(['said hello', 'start', 'configure', 'step', '0F0', 'ends']));
    expect(of('worker 1')).not.toContain('ends');
  });

  it('prints the log of the coordinator, as it was asked to', () => {
    expect(lamp.err).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}info {3}coordinator {2}started a process {2}peer="worker 0"/m);
    expect(lamp.err).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}error {2}coordinator {2}.*a process failed/m);
  });
});
