import { availableParallelism } from 'node:os';
import type { LossSpec, ModelSpec, OptimizerSpec } from '../config/runFile.ts';
import type { Shape } from '../engine/tensor.ts';
import type { Model } from '../models/cell.ts';
import { gatherTimes } from '../partition/gatheredTimes.ts';
import type { Profile, ProfileSubject } from '../partition/profile.ts';
import type { ReplyTo } from '../transport/protocol.ts';
import { memoryOf, type Device } from './devices.ts';
import type { Fleet } from './fleet/fleet.ts';
import { probeLinks } from './probeLinks.ts';
import { cachedProfile, keepProfile } from './profileCache.ts';

const REPETITIONS = 7;
/** Of a worker's memory, for the activations of what is timed at once: gradients and temporaries come on top. */
const SHARE_TO_MEASURE = 0.25;
/** Where the memory is not known. */
const MOST_TO_MEASURE = 2 ** 36;

/** What is to be measured, for micro-batches of any number of samples. */
export interface CostRequest {
  readonly spec: ModelSpec;
  readonly model: Model;
  readonly loss: LossSpec;
  readonly optimizer: OptimizerSpec;
  /** (batch, …spatial, channels) of a micro-batch; how many samples it has does not matter. */
  readonly shape: Shape;
  /** What the workers said when they started, and what they compute on. */
  readonly started: readonly ReplyTo<'start'>[];
  readonly devices: readonly Device[];
  /** Whether to measure although it is known. */
  readonly force?: boolean | undefined;
}

/**
 * What each cell costs in micro-batches of so many samples, and what the links take. Measured once for each model, shape and
 * set of workers, and kept: the same run file is cut in the same way again.
 *
 * All workers are timed at the same time, for that is how they will run: on the cores of one machine they slow each other.
 */
export async function profileFor(fleet: Fleet, request: CostRequest, samples: number): Promise<Profile> {
  const subject = subjectOf(request, samples);
  const known = request.force ? undefined : await cachedProfile(subject, request.model.cells);
  if (known) return known;
  const profile = await measure(fleet, request, subject);
  await keepProfile(profile);
  return profile;
}

/** Which profile holds for workers that have been started. */
const subjectOf = (
  { spec, loss, optimizer, shape, started, devices }: CostRequest,
  samples: number,
): ProfileSubject => ({
  model: spec,
  input_shape: [samples, ...shape.slice(1)],
  engine: started[0]!.engine,
  loss: loss.name,
  optimizer: optimizer.name,
  workers: started.map(({ device }, worker) => {
    const host = hostsOf(devices)[worker];
    return { device, threads: devices[worker]!.threads, ...(host === undefined ? {} : { host }) };
  }),
});

async function measure(
  fleet: Fleet,
  { spec: model, model: { cells }, loss, optimizer, devices }: CostRequest,
  subject: ProfileSubject,
): Promise<Profile> {
  const workers = devices.length;
  const memory = await memoryOf(devices);
  const times = await fleet.requestAll('profile', (worker) => ({
    ...{ model, loss, optimizer, shape: subject.input_shape, repetitions: REPETITIONS },
    bytes: Math.floor(SHARE_TO_MEASURE * Math.min(memory[worker]!, MOST_TO_MEASURE)),
  }));
  const { speeds, ...gathered } = gatherTimes(
    times,
    cells.map(({ name }) => name),
  );
  const links = await probeLinks(fleet, { workers, shared: sharesCores(devices) });
  return {
    ...{ version: 3, ...subject, repeats: REPETITIONS, ...gathered, links },
    workers: subject.workers.map((worker, index) => ({ ...worker, speed: speeds[index]! })),
  };
}

/** What the hosts of workers that are elsewhere are called: `a` and `a (2)` where two have the same name. */
export function hostsOf(devices: readonly Pick<Device, 'elsewhere'>[]): readonly (string | undefined)[] {
  return devices.map(({ elsewhere }) => {
    if (!elsewhere) return undefined;
    const { host, agent } = elsewhere;
    const alike = devices.flatMap((other) => (other.elsewhere?.host === host ? [other.elsewhere.agent] : []));
    const place = [...new Set(alike)].indexOf(agent);
    return place === 0 ? host : `${host} (${place + 1})`;
  });
}

/** Whether the workers' threads fill the processor of this machine, so that whatever else runs there slows them. */
const sharesCores = (devices: readonly Device[]): boolean => {
  const here = devices.filter(({ gpu, elsewhere }) => gpu === undefined && !elsewhere);
  return here.reduce((sum, { threads }) => sum + threads, 0) >= availableParallelism();
};
