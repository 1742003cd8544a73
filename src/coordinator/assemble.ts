import { randomUUID } from 'node:crypto';
import type { Model } from '../models/cell.ts';
import { buildModel } from '../models/index.ts';
import { stageCosts } from '../partition/partition.ts';
import { routesOf } from '../pipeline/routes.ts';
import type { LaunchedWorker as ReportedWorker } from '../telemetry/trainEvent.ts';
import type { DataInlet } from '../transport/dataLink.ts';
import { PLAIN_ENGINE_WARNING } from '../engine/index.ts';
import { workerName } from '../transport/names.ts';
import type { Beginning, ReplyTo } from '../transport/protocol.ts';
import { profileFor } from './costs.ts';
import type { Crew } from './crew.ts';
import { memoryOf, type Device } from './devices.ts';
import type { Fleet } from './fleet/fleet.ts';
import { layOut, type Layout } from './layout.ts';
import type { PipelineOptions } from './pipelineOptions.ts';
import { mostOfAny, ReplicasError } from './replicas.ts';
import { Scheduler } from './scheduler.ts';
import { layWires, wiresOf } from './wiring.ts';

/** A worker as it was launched. */
export interface LaunchedWorker extends ReportedWorker {
  readonly parameters: number;
}

/** The parts of a pipeline that is ready to take steps. */
export interface Assembly {
  readonly fleet: Fleet;
  readonly layout: Layout;
  readonly workers: readonly LaunchedWorker[];
  readonly scheduler: Scheduler;
  /** Where predictions arrive, from every replica. */
  readonly sinks: readonly DataInlet[];
  readonly replicas: number;
}

/** Cuts the network over the workers that are there, lays the links, and gives every worker its stages. */
export async function assemble(options: PipelineOptions, crew: Crew): Promise<Assembly> {
  try {
    await crew.startLoader(options.loader);
    return await setUp(options, crew);
  } catch (error) {
    throw crew.fleet.failure ?? error;
  }
}

async function setUp(options: PipelineOptions, { fleet, devices, started }: Crew): Promise<Assembly> {
  const { workers, replicas = 1 } = options;
  const all = workers * replicas;
  const model = buildModel(options.model);
  if (options.engine.name === 'auto' && started.some(({ engine }) => engine === 'cpu'))
    options.note?.(PLAIN_ENGINE_WARNING);
  const layout =
    options.layout ??
    (await layOut({
      ...{ options, model, memory: await limitsOf(options, devices) },
      profile: (samples) => {
        const { model: spec, loss, optimizer, microBatchShape: shape } = options;
        if (spec.name === 'block' || loss.name === 'given_gradient')
          throw new Error('a block by itself is not measured');
        return profileFor(fleet, { spec, model, loss, optimizer, shape, started, devices }, samples);
      },
    }));
  const { partition, placement, schedule: training, microBatches, durations, threaded } = layout;
  for (let worker = 0; worker < all; worker++) fleet.assign(workerName(worker), stagesOf(placement, worker % workers));
  const routes = routesOf(model.cells, partition, threaded);
  if (replicas > microBatches) throw new ReplicasError(replicas, microBatches);
  const most = mostOfAny(microBatches, replicas);
  const scheduler = new Scheduler({ training, placement, routes, microBatches: most, durations });
  const ancestor = options.goOn?.(layout);
  const { schedule } = scheduler.schedule('train', most);
  const wires = [...wiresOf(schedule, routes, replicas), ...(ancestor?.wires ?? [])];
  const plane = { run: randomUUID(), highWaterMark: scheduler.highWaterMark };
  const sinks = await layWires(fleet, wires, { ...plane, workers: all });
  try {
    const begin = ancestor ? await ancestor.begin(fleet) : beginningOf(options);
    const configured = await configure(options, fleet, layout, begin);
    const launched = describeWorkers(model, layout, replicas, (worker) => ({
      pid: fleet.pid(workerName(worker)),
      device: started[worker]!.device,
      parameters: configured[worker]!.parameters,
    }));
    return { fleet, layout, workers: launched, scheduler, sinks, replicas };
  } catch (error) {
    for (const sink of sinks) sink.close();
    throw error;
  }
}

const beginningOf = ({ weights }: PipelineOptions): Beginning =>
  weights ? { kind: 'weights', ...weights } : { kind: 'seed' };

/** Bytes that each worker may hold. */
const limitsOf = async ({ memory }: PipelineOptions, devices: readonly Device[]): Promise<readonly number[]> =>
  memory === undefined ? memoryOf(devices) : devices.map(() => memory);

const stagesOf = (placement: readonly number[], worker: number): number[] =>
  placement.flatMap((owner, stage) => (owner === worker ? [stage] : []));

function describeWorkers(
  model: Model,
  { partition, placement, cellTimes }: Layout,
  replicas: number,
  facts: (worker: number) => Pick<LaunchedWorker, 'pid' | 'device' | 'parameters'>,
): LaunchedWorker[] {
  const perStage = stageCosts(partition, cellTimes);
  const total = perStage.reduce((sum, cost) => sum + cost, 0);
  const workers = new Set(placement).size;
  const all = Array.from({ length: workers * replicas }, (_, worker) => worker);
  return all.map((worker) => {
    const own = stagesOf(placement, worker % workers);
    const stages = own.map((stage) => {
      const { start, end } = partition.stages[stage]!;
      return { stage, cells: [model.cells[start]!.name, model.cells[end - 1]!.name] as const };
    });
    const cost = own.reduce((sum, stage) => sum + perStage[stage]!, 0);
    const share = total > 0 ? cost / total : own.length / placement.length;
    const replica = replicas > 1 ? { replica: Math.floor(worker / workers) } : {};
    return { worker, ...replica, stages, share, ...facts(worker) };
  });
}

function configure(
  options: PipelineOptions,
  fleet: Fleet,
  { partition: { stages }, placement, recompute, threaded }: Layout,
  begin: Beginning,
): Promise<ReplyTo<'configure'>[]> {
  const { model, batchNorm, optimizer, loss, seed, workers, replicas = 1 } = options;
  return fleet.requestAll('configure', (worker) => ({
    ...{ model, recompute, batchNorm, optimizer, loss, seed, begin },
    stages: [...stages],
    threaded: [...threaded],
    own: stagesOf(placement, worker % workers),
    ...(replicas > 1 ? { replica: { index: Math.floor(worker / workers), of: replicas, workers } } : {}),
    ...(options.teacher ? { teacher: true } : {}),
    ...(options.inputGradient ? { inputGradient: true } : {}),
  }));
}
