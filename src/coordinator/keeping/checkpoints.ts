import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, type HostTensor } from '../../checkpoint/safetensors.ts';
import { CheckpointError } from '../../checkpoint/training/checkpointError.ts';
import { commitCheckpoint, discardCheckpoint, prepareCheckpoint } from '../../checkpoint/training/commit.ts';
import type { WholeCheckpoint } from '../../checkpoint/training/inventory.ts';
import type { ManifestFacts } from '../../checkpoint/training/manifest.ts';
import { partFile } from '../../checkpoint/training/names.ts';
import { writeHashed } from '../../checkpoint/training/partWriting.ts';
import { pruneCheckpoints } from '../../checkpoint/training/prune.ts';
import { disposeWriter, writePart } from '../../checkpoint/training/writer.ts';
import { runFiles } from '../../telemetry/runDirectory.ts';
import type { TrainEvent } from '../../telemetry/trainEvent.ts';
import { workerName } from '../../transport/names.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { PackedLabels } from '../packedLabels.ts';
import type { Validation } from '../validator.ts';
import { parseState, recordOf, type TrainingState } from './trainingState.ts';

type ListedFile = ManifestFacts['files'][number];

export interface CheckpointsOptions {
  readonly runDirectory: string;
  /** How many of the last are kept. */
  readonly keep: number;
  readonly report: (event: TrainEvent) => void;
}

/** What stands at the top of a checkpoint. */
export interface CheckpointPlace {
  readonly step: number;
  readonly epoch: number;
  readonly phase: string | undefined;
}

/** What of the best validation lies beside the workers' parts. */
const PREDICTIONS = 'predictions.safetensors';

/**
 * The checkpoints of a run: each worker writes its part of a snapshot that it holds, while steps go on, and this process its own
 * part and last the manifest. What cannot be written (a full disk) is told, and training goes on.
 */
export class Checkpoints {
  readonly #options: CheckpointsOptions;
  #writing: Promise<void> | undefined;
  #best: number | undefined;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
  }

  /** Spares the best of a run that goes on, too. */
  goOn({ best }: Pick<TrainingState, 'best'>): void {
    this.#best = best;
  }

  /** Whether one is being written. */
  get busy(): boolean {
    return this.#writing !== undefined;
  }

  /** Writes one of a snapshot that the workers hold; resolves when it is there, or could not be written. Never rejects. */
  async save(fleet: Fleet, place: CheckpointPlace, state: TrainingState, best: boolean): Promise<void> {
    await this.#writing;
    this.#writing = this.#save(fleet, place, state, best)
      .catch((error: unknown) => {
        // Whoever takes the next step hears of the failure of a process.
        if (!fleet.failure)
          this.#options.report({ kind: 'note', text: `no checkpoint of step ${place.step}: ${messageOf(error)}` });
      })
      .finally(() => (this.#writing = undefined));
    await this.#writing;
  }

  async #save(
    fleet: Fleet,
    { step, epoch, phase }: CheckpointPlace,
    state: TrainingState,
    best: boolean,
  ): Promise<void> {
    const { runDirectory, keep, report } = this.#options;
    const { path, present } = await prepareCheckpoint(runDirectory, step);
    const spared = best ? step : this.#best;
    if (!present)
      await this.#write(
        fleet,
        path,
        { step, epoch, phase },
        { ...state, ...(spared === undefined ? {} : { best: spared }) },
      );
    this.#best = spared;
    if (present) return;
    report({ kind: 'saved', what: 'checkpoint', path });
    await pruneCheckpoints(runDirectory, { keep, keepAlso: spared === undefined ? [] : [spared] });
  }

  /** All parts, and then the manifest. Where one of them cannot be written nothing is left of the others. */
  async #write(
    fleet: Fleet,
    path: string,
    { step, epoch, phase }: CheckpointPlace,
    state: TrainingState,
  ): Promise<void> {
    const { layout } = state;
    const parts = fleet.workers.slice(0, layout.workers).map((_, k) => storePart(fleet, k, step, path));
    const own = [writePredictions(path, state.current.validations.best), copyRunFile(this.#options.runDirectory, path)];
    const written = await Promise.allSettled([...parts, ...own]);
    try {
      const failed = written.find((each) => each.status === 'rejected');
      if (failed) throw failed.reason;
      const files = written.flatMap((each) => (each.status === 'fulfilled' ? (each.value ?? []) : []));
      await commitCheckpoint(path, {
        ...{ step, epoch, files, state: recordOf(state) },
        ...(phase === undefined ? {} : { phase }),
        layout: { workers: layout.workers, replicas: layout.replicas, schedule: layout.schedule, cells: layout.cells },
      });
    } catch (error) {
      await discardCheckpoint(path);
      throw error;
    }
  }

  /** Waits for what is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async dispose(): Promise<void> {
    await this.#writing;
    await disposeWriter();
  }
}

async function storePart(fleet: Fleet, worker: number, step: number, path: string): Promise<ListedFile> {
  const name = partFile(worker);
  const { outcome } = await fleet.request(workerName(worker), 'store', { step, file: join(path, name) }, true);
  if (outcome.kind === 'refused') throw new Error(outcome.problem);
  const { bytes, sha256 } = outcome;
  return { name, bytes, sha256 };
}

/** What was to be trained, so that a checkpoint says it where it is all that is left. */
async function copyRunFile(runDirectory: string, path: string): Promise<ListedFile> {
  const content = await readFile(join(runDirectory, runFiles.run));
  return { name: runFiles.run, ...writeHashed(join(path, runFiles.run), [content]) };
}

async function writePredictions(path: string, best: Validation | undefined): Promise<ListedFile | undefined> {
  if (!best || best.predictions.length === 0) return undefined;
  const tensors = new Map<string, HostTensor>(
    best.predictions.map(({ bytes }, number) => [`${number}`, { shape: [bytes.length], values: bytes }]),
  );
  return { name: PREDICTIONS, ...(await writePart(join(path, PREDICTIONS), tensors)) };
}

/** The coordinator's own part of a checkpoint. Throws a TrainingStateError for one of another version. */
export async function readState({ path, manifest }: WholeCheckpoint): Promise<TrainingState> {
  const predictions: PackedLabels[] = [];
  if (manifest.files.some(({ name }) => name === PREDICTIONS)) {
    const { tensors } = await readSafetensors(join(path, PREDICTIONS));
    for (let number = 0; number < tensors.size; number++)
      predictions.push({ bytes: tensors.get(`${number}`)!.values as Uint8Array });
  }
  return parseState(manifest.state, path, predictions);
}

const messageOf = (error: unknown): string =>
  error instanceof CheckpointError || error instanceof Error ? error.message : String(error);
