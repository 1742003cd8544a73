import type { EngineName } from './engine.ts';
import type { Shape } from './tensor.ts';

/** The engine that was asked for is not on this machine. */
export class EngineMissingError extends Error {
  override readonly name = 'EngineMissingError';
  readonly remedy = 'npm run setup';
  readonly addon: string | undefined;

  constructor(addon: string | undefined, cause?: unknown) {
    const place = addon ? `cannot be loaded from ${addon}${because(cause)}` : 'is not installed on this machine';
    super(
      `the engine "tensorflow" ${place}. Run \`npm run setup\`, or take --engine cpu (about 200 times slower).`,
      cause === undefined ? undefined : { cause },
    );
    this.addon = addon;
  }
}

/** A process has one engine: the addon reads its threads and GPUs once, and tensors of two engines do not mix. */
export class EngineStartedError extends Error {
  override readonly name = 'EngineStartedError';
  readonly started: EngineName;
  readonly asked: EngineName;

  constructor(started: EngineName, asked: EngineName) {
    super(`the engine "${asked}" cannot start: this process already runs "${started}". Start another process for it.`);
    this.started = started;
    this.asked = asked;
  }
}

/** A value that does not fit the variable that it is for. */
export class VariableValueError extends Error {
  override readonly name = 'VariableValueError';

  constructor(value: { shape: Shape; dtype: string }, shape: Shape) {
    super(
      `a value of shape (${value.shape.join(', ')}) and type ${value.dtype} does not fit a variable of shape ` +
        `(${shape.join(', ')}), which holds float32`,
    );
  }
}

/** Throws a VariableValueError unless the value is float32 and of that shape. */
export function checkVariableValue(value: { shape: Shape; dtype: string }, shape: Shape): void {
  const fits = value.dtype === 'float32' && value.shape.join() === shape.join();
  if (!fits) throw new VariableValueError(value, shape);
}

const because = (cause: unknown): string => (cause instanceof Error ? ` (${cause.message})` : '');
