import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Parameter } from '../layers/parameter.ts';
import type { Optimizer, OptimizerState } from './optimizer.ts';
import { Slots } from './slots.ts';

/** What all optimizers share: the count of steps, the slots, and how a checkpoint is gone on from. */
export abstract class SlottedOptimizer implements Optimizer {
  protected readonly engine: Engine;
  protected readonly slots: Slots;
  #steps = 0;

  constructor(engine: Engine, slotNames: readonly string[]) {
    this.engine = engine;
    this.slots = new Slots(engine, slotNames);
  }

  /** Updates one parameter; `step` counts from 1. The gradient stays ours. */
  protected abstract update(parameter: Parameter, gradient: Tensor, rate: number, step: number): void;

  step(parameters: readonly Parameter[], rate: number): void {
    this.#steps++;
    for (const parameter of parameters) {
      const { gradient } = parameter;
      if (!gradient) continue;
      this.update(parameter, gradient, rate, this.#steps);
      gradient.dispose();
      parameter.gradient = undefined;
    }
  }

  state(): OptimizerState {
    return { steps: this.#steps, slots: this.slots.all() };
  }

  slotNames(): readonly string[] {
    return this.slots.names;
  }

  restore(parameters: readonly Parameter[], steps: number, values: (slot: string, name: string) => Tensor): void {
    this.#steps = steps;
    for (const parameter of parameters)
      for (const slot of this.slots.names) this.slots.set(slot, parameter, values(slot, parameter.spec.name));
  }

  dispose(): void {
    this.slots.dispose();
  }
}
