import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { EngineSpec, RunFile } from '../config/runFile.ts';
import type { MachineFile } from '../config/schema/machine.ts';
import { optimizerSchema } from '../config/schema/optimizer.ts';
import { buildModel } from '../models/index.ts';
import { cellFootprints } from '../partition/cellCost.ts';
import { ceilingsOf } from '../partition/ceilings.ts';
import type { DeviceSpeed } from '../partition/estimate.ts';
import { describedMachine } from '../partition/machine.ts';
import { measuredMachine, samplesOf } from '../partition/measured.ts';
import type { PlanQuestion } from '../partition/plan/question.ts';
import {
  parseProfile,
  ProfileError,
  ProfileMismatchError,
  profileMismatches,
  type Profile,
  type ProfileSubject,
} from '../partition/profile.ts';
import { uniformMachine, type Machine } from '../pipeline/stageCost.ts';
import { deviceName } from '../worker/device.ts';
import { assignDevices, memoryOf, visibleGpus, type Device } from './devices.ts';
import { cachedProfile, cachedProfiles } from './profileCache.ts';
import { commonDevice, costsFor, sizesToMeasure } from './question.ts';
import type { RunShape } from './trainingPlan.ts';

/** Where the times of a plan are from. */
export type CostSource =
  | { readonly kind: 'machine file'; readonly machine: string }
  | { readonly kind: 'measured'; readonly devices: readonly string[] }
  /** `from`: of what this device's ceilings are known, if they are. */
  | { readonly kind: 'estimated'; readonly from: string | undefined };

export interface KnownCosts extends Pick<PlanQuestion, 'costs' | 'machine'> {
  readonly source: CostSource;
}

export interface CostFiles {
  /** A machine that need not be here; else this one, as it was measured or by an estimate. */
  readonly machine?: MachineFile | undefined;
  /** A file that `lamp profile` wrote; else what is in the cache. */
  readonly profile?: string | undefined;
}

/** Between workers of which nothing is known: a link over loopback, in milliseconds and bytes a millisecond. */
const COMMON_LINK = { latency: 0.3, bytesPerMs: 1e6 };
const COMMON_COPIES = 4e6;

/** What is known without starting anything: of a machine that is described, of this one as it was measured, or nothing. */
export async function knownCosts(run: RunFile, shape: RunShape, files: CostFiles): Promise<KnownCosts> {
  if (files.machine) return described(run, shape, files.machine);
  const devices = assignDevices(shape.workers, await visibleGpus(), run.engine);
  const { memory: limit } = run.pipeline;
  const memory = limit === undefined ? await memoryOf(devices) : devices.map(() => limit);
  const { model, microBatchShape } = shape;
  const subject = { model, optimizer: run.optimizer, shape: microBatchShape, batchSize: run.training.batch_size };
  const profiles =
    files.profile === undefined
      ? await cachedFor(run, shape, devices)
      : [await profileAt(resolve(files.profile), run, shape)];
  const [profile] = profiles;
  if (profile)
    return {
      costs: costsFor(subject, { kind: 'measured', profiles }),
      machine: measuredMachine(profile, memory),
      source: { kind: 'measured', devices: profile.workers.map(({ device }) => device) },
    };
  const like = await likeProfile(run.engine.name, devices);
  const link = COMMON_LINK;
  const worker = { memory: Math.min(...memory), copyBytesPerMs: COMMON_COPIES };
  return {
    costs: costsFor(subject, { kind: 'estimated', device: like ? measuredCeilings(like) : commonDevice }),
    machine: uniformMachine(shape.workers, { worker, link }),
    source: { kind: 'estimated', from: like && describeProfile(like) },
  };
}

/** The newest profile of any network on devices like the first, as all are taken to be. */
async function likeProfile(asked: EngineSpec['name'], [first]: readonly Device[]): Promise<Profile | undefined> {
  const name = deviceName(first?.gpu);
  return (await cachedProfiles()).find(
    ({ engine, workers }) =>
      (asked === 'auto' || asked === engine) &&
      workers.every(({ device, threads }) => device === name && threads === first?.threads),
  );
}

function measuredCeilings({ model, input_shape, optimizer: name, cells }: Profile): DeviceSpeed {
  const optimizer = optimizerSchema.parse({ name, lr: 1 });
  return ceilingsOf(
    cellFootprints(buildModel(model), input_shape, optimizer),
    cells.map(({ forward, backward, backward_input: backwardInput, backward_weights: backwardWeights }) => ({
      ...{ forward, backward, backwardInput, backwardWeights },
    })),
  );
}

/** `unetpipe of 16 features on 64 × 64 × 64` */
const describeProfile = ({ model, input_shape: [, ...size] }: Profile): string =>
  `${model.name}${'n_feat' in model ? ` of ${model.n_feat} features` : ''} on ${size.slice(0, -1).join(' × ')}`;

/** All that a run would look for in the cache, or nothing. */
async function cachedFor(run: RunFile, shape: RunShape, devices: readonly Device[]): Promise<readonly Profile[]> {
  const names = devices.map(({ gpu }) => deviceName(gpu));
  const { name } = run.engine;
  for (const engine of name === 'auto' ? (['tensorflow', 'cpu'] as const) : [name]) {
    const found = await Promise.all(
      sizesToMeasure(run.training.batch_size, run.pipeline.micro_batches).map((samples) => {
        const workers = devices.map(({ threads }, worker) => ({ device: names[worker]!, threads }));
        return cachedProfile({ ...subjectOf(run, shape, samples), engine, workers }, shape.model.cells);
      }),
    );
    const profiles = found.filter((profile) => profile !== undefined);
    if (profiles.length === found.length) return profiles;
  }
  return [];
}

const subjectOf = (
  run: RunFile,
  { microBatchShape }: RunShape,
  samples: number,
): Omit<ProfileSubject, 'engine' | 'workers'> => ({
  model: run.model,
  input_shape: [samples, ...microBatchShape.slice(1)],
  loss: run.loss.name,
  optimizer: run.optimizer.name,
});

/** A profile that a person gave, from whichever machine; it has to be of this network and of so many workers. */
async function profileAt(file: string, run: RunFile, shape: RunShape): Promise<Profile> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new ProfileError(file, [`cannot be read: ${(cause as Error).message}`], { cause });
  }
  const profile = parseProfile(text, file);
  const workers = Array.from({ length: shape.workers }, (_, k) => profile.workers[k] ?? { device: '', threads: 1 });
  const subject = { ...subjectOf(run, shape, samplesOf(profile)), engine: profile.engine, workers };
  const differing = profileMismatches(profile, subject, shape.model.cells);
  if (differing.length > 0) throw new ProfileMismatchError(file, differing);
  return profile;
}

function described(run: RunFile, shape: RunShape, file: MachineFile): KnownCosts {
  const made = new Map<number, ReturnType<typeof describedMachine>>();
  const at = (microBatches: number): ReturnType<typeof describedMachine> => {
    const samples = Math.ceil(run.training.batch_size / microBatches);
    const before = made.get(samples);
    if (before) return before;
    const input = [samples, ...shape.microBatchShape.slice(1)];
    const found = describedMachine(file, cellFootprints(shape.model, input, run.optimizer));
    made.set(samples, found);
    return found;
  };
  return {
    costs: (microBatches) => at(microBatches).cost,
    machine: limited(at(run.training.batch_size).machine, run.pipeline.memory),
    source: { kind: 'machine file', machine: file.name },
  };
}

const limited = (machine: Machine, memory: number | undefined): Machine =>
  memory === undefined ? machine : { ...machine, workers: machine.workers.map((worker) => ({ ...worker, memory })) };
