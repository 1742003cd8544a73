import type { RunFile } from '../../config/runFile.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Layout } from '../layout.ts';
import type { PhaseState } from '../phaseRun.ts';
import type { Shape } from '../replicas.ts';
import type { Checkpoints } from './checkpoints.ts';
import { recordLayout } from './layoutRecord.ts';
import type { Snapshots } from './snapshots.ts';
import type { EndedRecord, TrainingState } from './trainingState.ts';

export interface KeeperOptions {
  readonly run: RunFile;
  readonly phase: { readonly number: number; readonly name: string | undefined };
  readonly ended: readonly EndedRecord[];
  /** What the phases before have done. */
  readonly before: { readonly steps: number; readonly epochs: number };
  readonly fleet: Fleet;
  readonly layout: Layout;
  readonly shape: Shape;
  readonly snapshots: Snapshots;
  readonly checkpoints: Checkpoints;
}

/** Keeps what a phase could be gone on from: in memory every so many steps, and on disk less often. */
export class Keeper {
  readonly #options: KeeperOptions;
  #snapped: number;
  #saved: number;

  /** @param step the step that the workers are at */
  constructor(options: KeeperOptions, step: number) {
    this.#options = options;
    [this.#snapped, this.#saved] = [step, step];
  }

  /**
   * After an update or a validation. The step waits for the workers to copy their state, and for no more. Returns whether a
   * snapshot was taken.
   */
  async keep(state: PhaseState, { best }: { best: boolean }): Promise<boolean> {
    const { run, checkpoints, fleet } = this.#options;
    const step = this.#stepOf(state);
    const alone = fleet.workers.length === 1;
    const due = step - this.#snapped >= run.recovery.snapshot_every;
    const every = run.checkpoints.every;
    // One worker alone has nobody to give a copy to: its snapshots go to disk.
    const saves = best || (every > 0 && step - this.#saved >= every) || (alone && due);
    if (!due && !saves) return false;
    await this.#take(state);
    // What comes while one is still being written is passed over: the next is not far.
    if (!saves || (checkpoints.busy && !best)) return true;
    this.#saved = step;
    void this.#save(state, best);
    return true;
  }

  /** A first snapshot, so that there is something to go on from. */
  async begin(state: PhaseState): Promise<void> {
    await this.#take(state);
  }

  /** At the end of the phase, however it came: a checkpoint of where it is, or of the last snapshot amid an update. */
  async finish(state: PhaseState | undefined): Promise<void> {
    const { snapshots, checkpoints } = this.#options;
    await checkpoints.settled();
    if (state) await this.#take(state);
    await snapshots.settled();
    const kept = state ?? snapshots.last?.state;
    if (kept && this.#stepOf(kept) > 0) await this.#save(kept, false);
  }

  #stepOf({ steps }: PhaseState): number {
    return this.#options.before.steps + steps;
  }

  async #take(state: PhaseState): Promise<void> {
    const step = this.#stepOf(state);
    this.#snapped = step;
    const { snapshots, fleet, shape } = this.#options;
    await snapshots.take(fleet, shape, step, state);
  }

  #save(state: PhaseState, best: boolean): Promise<void> {
    const { checkpoints, fleet, before, phase } = this.#options;
    const place = { step: this.#stepOf(state), epoch: before.epochs + state.epochs, phase: phase.name };
    return checkpoints.save(fleet, place, this.#training(state), best);
  }

  #training(current: PhaseState): TrainingState {
    const { run, phase, ended, layout, shape } = this.#options;
    return {
      ...{ run: run.name, phase: phase.number, ended, current },
      layout: recordLayout(layout, run, shape),
    };
  }
}
