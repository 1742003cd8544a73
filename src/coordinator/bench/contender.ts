import type { StepRecording } from '../stepTrace.ts';
import { DisturbanceMeter } from './disturbance.ts';
import { Pipeline } from '../pipeline.ts';
import type { TrainRequest } from '../stepRequest.ts';
import type { PipelineOptions } from '../pipelineOptions.ts';

/** One training step, as it was timed. */
export interface TimedStep {
  /** Of every pipeline that stepped. */
  readonly seconds: readonly number[];
  readonly recordings: readonly StepRecording[];
  /** Bytes of tensors that workers sent one another. */
  readonly bytesSent: number;
  /** The most bytes of values that each worker held at once. */
  readonly peakBytes: readonly number[];
  /** The part of the machine that other processes took meanwhile, where that is known. */
  readonly disturbance: number | undefined;
}

/** Parameters stay as they are: every step computes the same. The update takes as long as any. */
const RATE = 0;

/** Pipelines that step together: one, or several that know nothing of each other. */
export class Contender {
  readonly #pipelines: readonly Pipeline[];
  readonly #microBatches: readonly number[];
  #step = 0;

  private constructor(pipelines: readonly Pipeline[], microBatches: readonly number[]) {
    this.#pipelines = pipelines;
    this.#microBatches = microBatches;
  }

  /** @param microBatches samples of each */
  static async launch(options: readonly PipelineOptions[], microBatches: readonly number[]): Promise<Contender> {
    const pipelines: Pipeline[] = [];
    try {
      for (const each of options) pipelines.push(await Pipeline.launch(each));
      return new Contender(pipelines, microBatches);
    } catch (error) {
      await Promise.all(pipelines.map((pipeline) => pipeline.close()));
      throw error;
    }
  }

  get first(): Pipeline {
    return this.#pipelines[0]!;
  }

  async step(): Promise<TimedStep> {
    const request = this.#request(this.#step++);
    const next = this.#request(this.#step);
    const meter = new DisturbanceMeter(this.#pipelines.flatMap(({ pids }) => pids));
    const taken = await Promise.all(
      this.#pipelines.map(async (pipeline) => {
        const begin = performance.now();
        const { recording, workers } = await pipeline.train(request, next);
        await pipeline.apply(RATE);
        return { seconds: (performance.now() - begin) / 1000, recording, workers };
      }),
    );
    return {
      seconds: taken.map(({ seconds }) => seconds),
      recordings: taken.map(({ recording }) => recording),
      bytesSent: taken.flatMap(({ workers }) => workers).reduce((sum, worker) => sum + worker.bytesSent, 0),
      peakBytes: taken.flatMap(({ workers }) => workers.map(({ peakBytes }) => peakBytes)),
      disturbance: meter.stop(),
    };
  }

  /** The most that each worker ever held resident, in bytes. */
  async peaks(): Promise<number[]> {
    const memory = await Promise.all(this.#pipelines.map((pipeline) => pipeline.memory()));
    return memory.flat().map(({ peakResident }) => peakResident);
  }

  async close(): Promise<void> {
    await Promise.all(this.#pipelines.map((pipeline) => pipeline.close()));
  }

  #request(step: number): TrainRequest {
    const samples = this.#microBatches.reduce((sum, size) => sum + size, 0);
    return {
      step,
      source: { kind: 'training', epoch: 0, samples: Array.from({ length: samples }, (_, index) => index) },
      microBatches: this.#microBatches,
      draws: Array.from({ length: samples }, (_, index) => `bench ${index}`),
      norm: false,
    };
  }
}
