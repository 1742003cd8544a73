import type { EngineName } from './engine.ts';

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

const because = (cause: unknown): string => (cause instanceof Error ? ` (${cause.message})` : '');
