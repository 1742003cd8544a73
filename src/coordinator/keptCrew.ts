import { Crew } from './crew.ts';
import { Pipeline } from './pipeline.ts';
import type { PipelineOptions } from './pipelineOptions.ts';

/** Processes for pipelines that come one after the other: the same for as long as as many are wanted, with the same engine. */
export class KeptCrew {
  #crew: Crew | undefined;
  #wanted = '';

  /** A pipeline over them, which `release` lets go of; the one before has been. */
  async lay(options: PipelineOptions): Promise<Pipeline> {
    const { workers, replicas = 1, engine } = options;
    const wanted = JSON.stringify([workers * replicas, engine]);
    // After a failure they are no use any more.
    if (this.#wanted !== wanted || this.#crew?.fleet.failure) await this.close();
    this.#wanted = wanted;
    this.#crew ??= await Crew.launch(options);
    return Pipeline.over(this.#crew, options);
  }

  /** Ends the processes; others are started where more is laid. */
  async close(): Promise<void> {
    await this.#crew?.close();
    this.#crew = undefined;
  }
}
