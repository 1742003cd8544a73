import { setTimeout as sleep } from 'node:timers/promises';
import type { LoaderConfiguration } from '../data/loader/configuration.ts';
import type { TrainEvent } from '../telemetry/trainEvent.ts';
import { formatCount } from '../telemetry/units.ts';
import { BestWeights, restorePhase } from './bestWeights.ts';
import type { Crew } from './crew.ts';
import { NewcomersError, RemoteError, RunFailure } from './errors.ts';
import type { FailureReports } from './failureReports.ts';
import type { Checkpoints } from './keeping/checkpoints.ts';
import { Keeper } from './keeping/keeper.ts';
import { layoutOfRecord } from './keeping/layoutRecord.ts';
import { afterFailure, afterProgress, noRestarts } from './keeping/restarts.ts';
import { beginningOnDisk, beginningWith, fromTheStart, withWires, type Beginning } from './keeping/beginning.ts';
import { resumePoint, type ResumePoint } from './keeping/resume.ts';
import { Snapshots } from './keeping/snapshots.ts';
import type { EndedRecord } from './keeping/trainingState.ts';
import { formPipeline, loaderOf, shapeOf } from './launchPhase.ts';
import type { LastStep } from './lastStep.ts';
import type { Layout } from './layout.ts';
import type { Pipeline } from './pipeline.ts';
import type { PipelineOptions } from './pipelineOptions.ts';
import type { PlannedPhase } from './planPhases.ts';
import { PhaseRun, type PhaseState } from './phaseRun.ts';
import { regroup } from './regroup.ts';
import { workersIn, type Shape } from './replicas.ts';
import type { Refusals } from './refusals.ts';
import type { StepTrace } from './stepTrace.ts';
import type { ValidationCases } from './validationCases.ts';

export interface PhaseTrainingOptions {
  readonly planned: PlannedPhase;
  /** 0 is the first. */
  readonly number: number;
  readonly directory: string;
  readonly baseDirectory: string;
  readonly crew: Crew;
  readonly cases: ValidationCases;
  readonly checkpoints: Checkpoints;
  readonly failures: FailureReports;
  readonly lastStep: LastStep;
  readonly trace: StepTrace | undefined;
  readonly refusals: Refusals;
  /** Where the phase begins, unless it is resumed. */
  readonly weights: PipelineOptions['weights'];
  readonly resume: ResumePoint | undefined;
  readonly ended: readonly EndedRecord[];
  readonly before: { readonly steps: number; readonly epochs: number };
  readonly report: (event: TrainEvent) => void;
  readonly launched: (pipeline: Pipeline) => void;
  /** Stops the phase between two steps. */
  readonly signal: AbortSignal;
}

/** What came of a phase. */
export interface TrainedPhase {
  readonly training: PhaseRun;
  readonly skipped: readonly string[];
}

/** A pipeline, and the state that it goes on from. */
interface Formed {
  readonly pipeline: Pipeline;
  readonly state: PhaseState | undefined;
}

/**
 * A phase from its first step to its last, whatever is lost on the way: where a process fails, those that are left go on from the
 * last snapshot, with another in its place or laid out anew.
 */
export class PhaseTraining {
  readonly #options: PhaseTrainingOptions;
  readonly #snapshots: Snapshots;
  #restarts = noRestarts;
  #layout: Layout | undefined;
  /** The same after a failure, so that the one who has read the images need not be started anew. */
  #loader: LoaderConfiguration | undefined;
  #skipped: readonly string[] = [];

  constructor(options: PhaseTrainingOptions) {
    this.#options = options;
    this.#snapshots = new Snapshots(options.planned.plan.model.cells);
  }

  async run(): Promise<TrainedPhase> {
    const { crew, resume, report, launched, planned, directory } = this.#options;
    this.#layout = resume && this.#layoutOf(resume);
    if (resume) this.#options.checkpoints.goOn(resume.state);
    if (resume && planned.phase.name !== undefined) await restorePhase(directory, planned.phase.name);
    let { pipeline, state } = await this.#begin(resume ? beginningOnDisk(resume) : fromTheStart);
    launched(pipeline);
    if (resume) report({ kind: 'resumed', ...this.#placeOf(resume.state.current), checkpoint: resume.checkpoint.path });
    for (;;) {
      try {
        return await this.#train(pipeline, state);
      } catch (error) {
        ({ pipeline, state } = await this.#recover(error, crew));
      }
    }
  }

  /** The first pipeline. Who is lost meanwhile is replaced as later on; but what one of them says is wrong would be so again. */
  async #begin(beginning: Beginning): Promise<Formed> {
    try {
      return { pipeline: await this.#form(beginning), state: beginning.state };
    } catch (error) {
      if (error instanceof RunFailure && error.cause instanceof RemoteError) throw error;
      return this.#recover(error, this.#options.crew);
    }
  }

  /** Takes the phase's steps on a pipeline until it ends, or a process of it fails. However it ends, what it has is saved. */
  async #train(pipeline: Pipeline, begin: PhaseState | undefined): Promise<TrainedPhase> {
    const { planned, cases, trace, refusals, report, signal, before, lastStep, directory } = this.#options;
    const { phase, plan } = planned;
    const { run } = phase;
    const what = run.training.self_ensembling?.result === 'teacher' ? 'teacher' : 'parameters';
    const validated = begin?.validations.found.mean !== undefined;
    const weights = new BestWeights(pipeline, { directory, name: run.name, what, report }, validated);
    const keeper = this.#keeper(pipeline, begin);
    const training: PhaseRun = new PhaseRun({
      ...{ phase, plan, pipeline, cases, weights, before, trace, refusals, report, signal, begin },
      keep: async (state, at) => {
        const kept = await keeper.keep(state, at);
        if (!kept) return;
        this.#restarts = afterProgress(this.#restarts);
        await this.#takeIn();
      },
    });
    try {
      lastStep.enter('training');
      if (training.state) await keeper.begin(training.state);
      await training.run();
    } finally {
      lastStep.enter('saving');
      this.#skipped = [...new Set([...this.#skipped, ...pipeline.skipped])];
      if (training.done.steps > 0 && !pipeline.failed) {
        await weights.keepLast(before.steps + training.done.steps);
        await keeper.finish(training.state);
      }
      pipeline.release();
    }
    return { training, skipped: this.#skipped };
  }

  #keeper(pipeline: Pipeline, begin: PhaseState | undefined): Keeper {
    const { planned, number, ended, before, crew, checkpoints } = this.#options;
    const { run, name } = planned.phase;
    return new Keeper(
      {
        ...{ run, phase: { number, name }, ended, before, checkpoints },
        ...{ fleet: crew.fleet, layout: pipeline.layout, shape: pipeline.shape, snapshots: this.#snapshots },
      },
      before.steps + (begin?.steps ?? 0),
    );
  }

  /** Lays the network on the workers that are there. */
  async #form({ goOn }: Beginning): Promise<Pipeline> {
    const { planned, baseDirectory, crew, weights, report, lastStep } = this.#options;
    lastStep.enter('launching');
    const note = (text: string): void => report({ kind: 'note', text });
    const shape = this.#shapeOf(crew.workers);
    // Of other hosts fewer may have come than were asked for.
    if (crew.workers > workersIn(shape)) crew.closeUp(this.#snapshots.chosenOf(crew.fleet, workersIn(shape)));
    this.#loader ??= await loaderOf(planned.phase.run, planned.plan, { baseDirectory, note });
    const pipeline = await formPipeline(planned.phase, crew, {
      ...{ plan: planned.plan, loader: this.#loader, layout: this.#layout },
      ...{ baseDirectory, weights, note, signal: lastStep.signal },
      goOn: (layout) => withWires(goOn?.(layout) ?? beginningWith(weights), this.#snapshots.ring(shape)),
    });
    this.#layout = pipeline.layout;
    this.#options.failures.laidOut(pipeline, planned.phase.name);
    return pipeline;
  }

  /** Where fewer workers are left than there were, those that have come since are taken in at a snapshot. */
  async #takeIn(): Promise<void> {
    const { crew } = this.#options;
    // Not every one more has a place: of three pipelines of two, two are left of four workers, and of five.
    if (crew.spares === 0 || workersIn(this.#shapeOf(crew.workers + crew.spares)) <= crew.workers) return;
    await this.#snapshots.settled();
    throw new NewcomersError();
  }

  async #recover(error: unknown, crew: Crew): Promise<Formed> {
    const { report } = this.#options;
    const began = performance.now();
    for (let cause = this.#recoverable(error); ;) {
      if (cause instanceof RunFailure) await this.#waitToRestart(cause);
      try {
        await this.#regroup(crew);
        const beginning = await this.#beginning(crew);
        const pipeline = await this.#form(beginning);
        const { step, phase } = this.#placeOf(beginning.state);
        const seconds = (performance.now() - began) / 1000;
        const { workers } = pipeline;
        report({ kind: 'recovered', step, ...(phase ? { phase } : {}), from: beginning.kind, seconds, workers });
        this.#options.failures.recovered(
          `${beginning.kind}, step ${step}`,
          `on ${formatCount(workers.length, 'worker')}`,
          seconds,
        );
        return { pipeline, state: beginning.state };
      } catch (next) {
        cause = this.#recoverable(next);
      }
    }
  }

  /** The failure, where the run can go on after it; else throws what there is to tell. */
  #recoverable(error: unknown): RunFailure | NewcomersError {
    const { signal, lastStep } = this.#options;
    if (error instanceof NewcomersError) return error;
    if (!(error instanceof RunFailure) || signal.aborted || lastStep.signal.aborted) throw error;
    // What the loader says is wrong with a file is as wrong the next time.
    if (error.peer === 'loader' && error.cause instanceof RemoteError) throw error;
    return error;
  }

  async #waitToRestart(failure: RunFailure): Promise<void> {
    const { planned, report, signal, failures } = this.#options;
    const { recovery } = planned.phase.run;
    const { peer, step, during, cause } = failure;
    const problem = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    const { restarts, decision } = afterFailure(this.#restarts, { peer, step, during, problem }, recovery);
    this.#restarts = restarts;
    failures.add(failure);
    if (decision.kind === 'give up') {
      failures.ended(decision.why);
      if (recovery.max_restarts > 0) report({ kind: 'note', text: `not restarted: ${decision.why}` });
      throw failure;
    }
    const { number: restart, seconds } = decision;
    const told = failure.report === undefined ? {} : { report: failure.report };
    report({ kind: 'failed', peer, problem: failure.message, restart, of: recovery.max_restarts, ...told });
    await sleep(1000 * seconds, undefined, { signal }).catch(() => signal.throwIfAborted());
  }

  /** Puts others in the places of those that were lost, or has those that are left planned for again. */
  async #regroup(crew: Crew): Promise<void> {
    const { planned, report, directory } = this.#options;
    const note = (text: string): void => report({ kind: 'note', text });
    const shapeOf = (workers: number): Shape => this.#shapeOf(workers);
    const { recovery } = planned.phase.run;
    const asBefore = await regroup(crew, { recovery, directory, snapshots: this.#snapshots, shapeOf, note });
    if (!asBefore) this.#layout = undefined;
  }

  /** The last snapshot, if all of it is left; else the last checkpoint of this phase; else its beginning. */
  async #beginning(crew: Crew): Promise<Beginning> {
    const { fleet } = crew;
    const { last } = this.#snapshots;
    const layout = this.#layout;
    if (last && this.#snapshots.isWhole(fleet))
      return { kind: 'memory', state: last.state, goOn: (laid) => this.#snapshots.ancestor(fleet, layout ?? laid)! };
    const { directory, number, report } = this.#options;
    const point = await resumePoint(directory, (text) => report({ kind: 'note', text }));
    return point?.state.phase === number ? beginningOnDisk(point) : fromTheStart;
  }

  #layoutOf({ state }: ResumePoint): Layout | undefined {
    const { planned, crew, baseDirectory } = this.#options;
    return layoutOfRecord(state.layout, planned.phase.run, {
      shape: this.#shapeOf(crew.workers),
      baseDirectory,
    });
  }

  /** How so many workers are laid out. */
  #shapeOf(workers: number): Shape {
    const { phase, plan } = this.#options.planned;
    return shapeOf(phase.run, plan, workers);
  }

  #placeOf(state: PhaseState | undefined): { step: number; epoch: number; phase?: string } {
    const { before, planned } = this.#options;
    const { name } = planned.phase;
    const { steps = 0, epochs = 0 } = state ?? {};
    return {
      step: before.steps + steps,
      epoch: before.epochs + epochs,
      ...(name === undefined ? {} : { phase: name }),
    };
  }
}
