import { parseArgs } from 'node:util';
import { balanceCells } from '../src/partition/balance.ts';
import { blockPartition } from '../src/partition/baselines/blockPartition.ts';
import { equalCells } from '../src/partition/baselines/equalCells.ts';
import { equalParameters } from '../src/partition/baselines/equalParameters.ts';
import { cellFootprints } from '../src/partition/cellCost.ts';
import { estimatedCost } from '../src/partition/estimate.ts';
import type { DeviceSpeed } from '../src/partition/estimate.ts';
import type { ModelCost } from '../src/partition/modelCost.ts';
import type { Partition } from '../src/partition/partition.ts';
import { Judge } from '../src/partition/plan/judge.ts';
import { planRun } from '../src/partition/planner.ts';
import { assignCells } from '../src/partition/search/assign.ts';
import type { Family } from '../src/partition/search/family.ts';
import { buildModel } from '../src/models/index.ts';
import { uniformMachine } from '../src/pipeline/stageCost.ts';
import type { Machine, MachineLink } from '../src/pipeline/stageCost.ts';
import { RandomStream } from '../src/random/stream.ts';
import { formatTable } from '../src/telemetry/table.ts';
import { describeMachine, thisMachine } from './support/machine.ts';
import { randomModel } from './support/randomModels.ts';
import { median } from '../src/partition/spread.ts';

/*
 * By how much other ways to cut a network are slower than the planner's: simulated step over simulated step.
 *
 *     npm run bench -- partition [--random 100] [--json]
 *
 * The models that we ship by the roofline estimate of an H100 (180 Tflop/s, 3 TB/s, 30 µs a kernel, copies at 20 GB/s), and
 * random ones; 2, 4 and 8 workers, equal or every other one at half the speed; links of 25 GB/s (10 µs) and of 2 GB/s (200 µs,
 * one ZeroMQ link); 8 micro-batches, 1F1B, nothing recomputed, memory without limit. All cuts are judged by the same simulator. `any` is what the
 * planner gains beyond by choosing the schedule too. And how long the exact search takes for 200 cells on 64 workers.
 */

const { values: options } = parseArgs({
  options: { random: { type: 'string', default: '100' }, json: { type: 'boolean', default: false } },
});

const device: DeviceSpeed = { operationsPerSecond: 180e12, bytesPerSecond: 3e12, overheadMilliseconds: 0.03 };
const links: Readonly<Record<string, MachineLink>> = {
  '25 GB/s': { latency: 0.01, bytesPerMs: 25e6 },
  '2 GB/s': { latency: 0.2, bytesPerMs: 2e6 },
};
const microBatches = 8;
/** All schedules alike. */
const planning = { actions: 5e4, refined: 6 };

const baselines: Readonly<Record<string, (cost: ModelCost, stages: number) => Partition>> = {
  'equal cells': ({ cells }, stages) => equalCells(cells.length, stages),
  parameters: ({ cells }, stages) => equalParameters(cells, stages),
  'block partition': ({ cells }, stages) => blockPartition(cells.map(timeOf), stages),
  'optimal by time': ({ cells }, stages) => balanceCells(cells.map(timeOf), stages),
};
const timeOf = ({ forward, backward }: { forward: number; backward: number }): number => forward + backward;

interface Subject {
  readonly group: string;
  readonly cost: ModelCost;
  readonly machine: Machine;
}

/** For one subject: the step of every baseline, and of the planner's free choice, over the planner's with 1F1B. */
const ratiosOf = ({ cost, machine }: Subject): Record<string, number> => {
  const workers = machine.workers.length;
  const question = {
    costs: () => cost,
    batchSize: microBatches,
    machine,
    workers,
    microBatches,
    recompute: 'never',
    skips: 'auto',
  } as const;
  const ours = planRun({ ...question, schedule: '1f1b', options: planning }).predicted.step;
  const judge = new Judge({
    ...{
      schedule: '1f1b',
      stagesPerWorker: 1,
      workers,
      microBatches,
      recompute: 'never',
      skips: 'auto',
      machine,
      cost,
    },
  });
  const placement = Array.from({ length: workers }, (_, worker) => worker);
  const steps = Object.entries(baselines).map(([name, cut]) => {
    const { step } = judge.verdict({ stages: cut(cost, workers).stages, placement });
    return [name, step / ours] as const;
  });
  const any = planRun({ ...question, schedule: 'auto', options: planning }).predicted.step;
  return { ...Object.fromEntries(steps), any: any / ours };
};

const machinesOf = (link: MachineLink, workers: number): Readonly<Record<string, Machine>> => {
  const equal = uniformMachine(workers, { link, worker: { copyBytesPerMs: 20e6 } });
  const halved = equal.workers.map((worker, index) => (index % 2 === 1 ? { ...worker, speed: 0.5 } : worker));
  return { equal, unequal: { ...equal, workers: halved } };
};

const shipped = (): Subject[] =>
  [
    [16, 64],
    [32, 64],
    [32, 128],
    [64, 128],
    [128, 128],
  ].flatMap(([features = 0, size = 0]) => {
    const spec = {
      name: 'unetpipe',
      spatial_dims: 3,
      in_channels: 1,
      out_channels: 10,
      n_feat: features,
      depth: 4,
    } as const;
    const shape = [1, size, size, size, 1];
    const optimizer = { name: 'rmsprop', lr: 1e-3, alpha: 0.99, eps: 1e-8, weight_decay: 0 } as const;
    const cost = estimatedCost(
      cellFootprints(buildModel({ ...spec, norm: 'batch', deep_supervision: false }), shape, optimizer),
      device,
    );
    return subjectsOf(`unetpipe ${features}, ${size}³`, () => cost);
  });

const random = (): Subject[] => {
  const stream = new RandomStream('benchmarks/partition');
  return Array.from({ length: Number(options.random) }, () => 16 + stream.integer(45)).flatMap((cells) => {
    const all = subjectsOf('random', () => randomModel(stream, cells));
    return [all[stream.integer(all.length)]!];
  });
};

const subjectsOf = (name: string, cost: () => ModelCost): Subject[] => {
  const own = cost();
  return Object.entries(links).flatMap(([speed, link]) =>
    [2, 4, 8].flatMap((workers) =>
      Object.entries(machinesOf(link, workers)).map(([kind, machine]) => ({
        group: name === 'random' ? `random, ${kind} workers` : `${name}, ${speed}, ${kind}`,
        ...{ cost: own, machine },
      })),
    ),
  );
};

interface Group {
  readonly group: string;
  readonly subjects: number;
  readonly median: Readonly<Record<string, number>>;
  readonly worst: Readonly<Record<string, number>>;
}

const summarize = (subjects: readonly Subject[]): Group[] => {
  const names = [...new Set(subjects.map(({ group }) => group))];
  const all = subjects.map((subject) => ({ group: subject.group, ratios: ratiosOf(subject) }));
  const groupOf = (group: string, own: typeof all): Group => {
    const columns = Object.keys(own[0]!.ratios);
    const each = (pick: (values: number[]) => number): Record<string, number> =>
      Object.fromEntries(columns.map((column) => [column, pick(own.map(({ ratios }) => ratios[column]!))]));
    return { group, subjects: own.length, median: each(median), worst: each((values) => Math.max(...values)) };
  };
  return [
    ...names.map((name) =>
      groupOf(
        name,
        all.filter(({ group }) => group === name),
      ),
    ),
    groupOf('all', all),
  ];
};

/** Seconds of the exact search, for 200 cells with skips on 64 workers. */
const searchTimes = (): { family: Family; kinds: number; seconds: number; proved: boolean }[] =>
  (
    [
      ['consecutive', 1],
      ['consecutive', 2],
      ['consecutive', 4],
      ['folded', 1],
      ['folded', 2],
      ['interleaved', 1],
      ['interleaved', 2],
    ] as const
  ).map(([family, kinds]) => {
    const stream = new RandomStream('benchmarks/partition', family);
    const [cells, slots] = [200, 64];
    const begin = performance.now();
    const found = assignCells({
      workload: {
        times: Array.from({ length: cells }, () => stream.uniform(1, 10)),
        outputs: Array.from({ length: cells }, () => stream.uniform(0, 1000)),
        skips: Array.from({ length: 6 }, (_, level) => ({
          name: `${level}`,
          stash: 3 + 12 * level,
          pop: 195 - 12 * level,
          bytes: stream.uniform(0, 2000),
        })),
        memory: (start, end) => ({ fixed: 10 * (end - start), held: 20 * (end - start), working: 10 }),
      },
      cluster: {
        workers: Array.from({ length: slots }, (_, worker) => ({ speed: 1 + 0.5 * (worker % kinds), memory: 1e5 })),
        exchange: (_here, _there, bytes) => 0.1 + bytes / 1000,
      },
      ...{
        family,
        slots,
        stagesPerWorker: 2,
        live: Array.from({ length: 2 * slots }, (_, stage) => slots - (stage % slots)),
      },
    });
    return { family, kinds, seconds: (performance.now() - begin) / 1000, proved: found?.proved ?? false };
  });

const machine = thisMachine();
const date = new Date().toISOString().slice(0, 10);
const times = searchTimes();
const groups = [...summarize(shipped()), ...summarize(random())];

if (options.json) process.stdout.write(`${JSON.stringify({ date, machine, times, groups })}\n`);
else {
  const columns = [...Object.keys(baselines), 'any'];
  const cell = (group: Group, name: string): string =>
    `${group.median[name]!.toFixed(2)} (${group.worst[name]!.toFixed(2)})`;
  const right = (title: string) => ({ title, align: 'right' }) as const;
  process.stdout.write(
    [
      "simulated step over the planner's with 1F1B: median (worst)",
      formatTable(
        [{ title: 'subject' }, right('plans'), ...columns.map(right)],
        groups.map((group) => [group.group, `${group.subjects}`, ...columns.map((name) => cell(group, name))]),
      ),
      '',
      'the exact search, 200 cells on 64 workers',
      formatTable(
        [{ title: 'family' }, right('kinds of workers'), right('seconds'), { title: 'proved' }],
        times.map(({ family, kinds, seconds, proved }) => [
          family,
          `${kinds}`,
          seconds.toFixed(2),
          proved ? 'yes' : 'no',
        ]),
      ),
      `${date}, ${describeMachine(machine)}`,
      '',
    ].join('\n'),
  );
}
