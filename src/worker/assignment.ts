import { loadParameters } from '../checkpoint/parameters.ts';
import { SafetensorsFile, type HostTensor } from '../checkpoint/safetensors.ts';
import { StateFiles } from '../checkpoint/training/stateFiles.ts';
import type { Engine } from '../engine/engine.ts';
import { ParameterStore } from '../layers/parameterStore.ts';
import { lossFromSpec } from '../losses/index.ts';
import type { Loss } from '../losses/loss.ts';
import type { Cell, Model } from '../models/cell.ts';
import { parameterSpecs } from '../models/describe.ts';
import { buildModel } from '../models/index.ts';
import { initializeParameters } from '../models/initialize.ts';
import { optimizerFromSpec } from '../optimizers/index.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { routesOf, type Routes } from '../pipeline/routes.ts';
import type { RequestOf } from '../transport/protocol.ts';
import { BuffersBefore } from './buffersBefore.ts';
import { Stage } from './stage.ts';
import { addParameters, keysOf, restoreState, type State } from './state.ts';
import { Teacher } from './teacher.ts';
import type { Vault } from './vault.ts';

type Configure = RequestOf<'configure'>;

/** What a worker has once it knows its part of the network. */
export interface Assignment {
  readonly model: Model;
  readonly cells: readonly Cell[];
  readonly routes: Routes;
  readonly parameters: ParameterStore;
  readonly buffersBefore: BuffersBefore;
  readonly stages: ReadonlyMap<number, Stage>;
  readonly teacher: Teacher | undefined;
  readonly optimizer: Optimizer;
  readonly loss: Loss;
  readonly classWeights: readonly number[] | undefined;
  /** Which of several replicas it belongs to, and how their running statistics are gathered. */
  readonly replica: Configure['replica'];
  readonly batchNorm: Configure['batchNorm'];
}

/** Builds a worker's stages, with the parameters that they begin with. */
export async function assign(engine: Engine, request: Configure, vault: Vault): Promise<Assignment> {
  const model = buildModel(request.model);
  const cellsOf = (stage: number): readonly Cell[] =>
    model.cells.slice(request.stages[stage]!.start, request.stages[stage]!.end);
  const cells = request.own.flatMap(cellsOf);
  const optimizer = optimizerFromSpec(engine, request.optimizer);
  const kept = await keptState(request, cells, optimizer, vault);
  const parameters = new ParameterStore(engine);
  if (kept) addParameters(engine, parameters, parameterSpecs(cells), kept);
  else await fill(engine, parameters, cells, request);
  const stagesWith = (store: ParameterStore): ReadonlyMap<number, Stage> =>
    new Map(
      request.own.map((stage) => {
        const { recompute, batchNorm } = request;
        const options = { engine, parameters: store, recompute, batchNorm };
        const first = stage === 0 && !request.inputGradient;
        return [stage, new Stage({ ...options, cells: cellsOf(stage), first })];
      }),
    );
  const stages = stagesWith(parameters);
  const teacher = request.teacher ? new Teacher(engine, parameters, stagesWith) : undefined;
  if (kept) restoreState(engine, { parameters, optimizer, taught: teacher?.parameters }, kept);
  const loss = lossFromSpec(request.loss, model.outChannels);
  const routes = routesOf(model.cells, { stages: request.stages }, request.threaded);
  const { replica, batchNorm } = request;
  const classWeights = request.loss.name === 'given_gradient' ? undefined : request.loss.class_weights;
  const buffersBefore = new BuffersBefore();
  const made = { model, cells, routes, parameters, buffersBefore, stages, teacher, optimizer, loss, classWeights };
  return { ...made, replica, batchNorm };
}

export function disposeAssignment({ stages, teacher, optimizer, parameters, buffersBefore }: Assignment): void {
  buffersBefore.forget();
  for (const stage of stages.values()) stage.dispose();
  teacher?.dispose();
  optimizer.dispose();
  parameters.dispose();
}

/** The state that a snapshot or a checkpoint holds of these cells, where the worker is to begin with one. */
async function keptState(
  { begin, teacher = false }: Configure,
  cells: readonly Cell[],
  optimizer: Optimizer,
  vault: Vault,
): Promise<{ state: State; from: string; updates: number } | undefined> {
  // With any other beginning, steps may be counted from there again: what was kept before is of another course.
  if (begin.kind !== 'snapshot') vault.clear();
  if (begin.kind === 'seed' || begin.kind === 'weights') return undefined;
  const { updates } = begin;
  if (begin.kind === 'snapshot')
    return { state: vault.all(begin.step), from: `the snapshot of step ${begin.step}`, updates };
  const files = await StateFiles.open(begin.folder);
  try {
    const held = new Set(files.keys);
    const wanted = keysOf(parameterSpecs(cells), optimizer.slotNames(), teacher).filter((key) => held.has(key));
    const state: ReadonlyMap<string, HostTensor> = await files.read(wanted);
    return { state, from: begin.folder, updates };
  } finally {
    await files.close();
  }
}

/** Gives the cells' parameters their values: from the weights file, or drawn by name. */
async function fill(
  engine: Engine,
  parameters: ParameterStore,
  cells: readonly Cell[],
  { begin, seed, model }: Configure,
): Promise<void> {
  const specs = parameterSpecs(cells);
  if (begin.kind !== 'weights') {
    initializeParameters(engine, parameters, specs, seed);
    return;
  }
  const file = await SafetensorsFile.open(begin.file);
  try {
    await loadParameters(engine, parameters, specs, file, begin.prefix, parameterSpecs(buildModel(model).cells));
  } finally {
    await file.close();
  }
}
