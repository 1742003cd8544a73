import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import { ParameterStore } from '../layers/parameterStore.ts';
import type { Stage } from './stage.ts';

/**
 * The teacher of self-ensembling (Tarvainen and Valpola, Mean Teachers, 2017): the same stages with parameters and buffers of
 * their own, which follow the student's, and the logits of its last forward pass, to which the student is held.
 */
export class Teacher {
  readonly parameters: ParameterStore;
  readonly stages: ReadonlyMap<number, Stage>;
  readonly #engine: Engine;
  readonly #logits = new Map<number, Tensor>();

  /** Begins as a copy of the student. */
  constructor(
    engine: Engine,
    student: ParameterStore,
    stagesOf: (parameters: ParameterStore) => ReadonlyMap<number, Stage>,
  ) {
    this.#engine = engine;
    this.parameters = new ParameterStore(engine);
    for (const { spec, value } of student.all()) {
      const copied = value.read();
      this.parameters.add(spec, copied);
      copied.dispose();
    }
    this.stages = stagesOf(this.parameters);
  }

  /** θ′ ← α·θ′ + (1 − α)·θ, for parameters and buffers alike. */
  follow(student: ParameterStore, decay: number): void {
    const { add, mul } = this.#engine.math;
    for (const { spec, value } of this.parameters.all()) {
      const [mine, theirs] = [value.read(), student.read(spec.name)];
      const next = this.#engine.tidy(() => add(mul(mine, decay), mul(theirs, 1 - decay)));
      [mine, theirs].forEach((tensor) => tensor.dispose());
      value.assign(next);
      next.dispose();
    }
  }

  /** Keeps the logits of a micro-batch for the student's pass; takes them over. */
  keep(microBatch: number, logits: Tensor): void {
    this.#logits.get(microBatch)?.dispose();
    this.#logits.set(microBatch, logits);
  }

  /** What was kept for a micro-batch; the caller's. */
  take(microBatch: number): Tensor {
    const logits = this.#logits.get(microBatch);
    if (!logits)
      throw new Error(`the teacher has not seen micro-batch ${microBatch}: its pass comes before the student's`);
    this.#logits.delete(microBatch);
    return logits;
  }

  /** Lets go of the logits that no student's pass will take. */
  forget(): void {
    for (const logits of this.#logits.values()) logits.dispose();
    this.#logits.clear();
  }

  dispose(): void {
    this.forget();
    for (const stage of this.stages.values()) stage.dispose();
    this.parameters.dispose();
  }
}
