import type { Engine } from './engine.ts';
import { loadEnvironment, type EngineResources } from './environment.ts';
import { EngineMissingError, EngineStartedError } from './errors.ts';
import { installedEngine } from './install/location.ts';
import { describeMakeup, type EngineMakeup, type EngineVersions } from './versions.ts';

export { EngineMissingError, EngineStartedError } from './errors.ts';

/** For whoever computes without TensorFlow and did not ask to. */
export const PLAIN_ENGINE_WARNING =
  'TensorFlow is not installed, so plain JavaScript computes: ABOUT 200 TIMES SLOWER. `npm run setup` mends it.';
export { type EngineVersions } from './versions.ts';

export interface EngineOptions extends EngineResources {
  /** `auto`: TensorFlow where it is installed, else plain tfjs with a loud line. */
  readonly name: 'tensorflow' | 'cpu' | 'auto';
  /** The native addon to load instead of the installed one. */
  readonly addon?: string | undefined;
}

let started: { readonly engine: Engine; readonly makeup: EngineMakeup } | undefined;

/**
 * Starts the engine of this process. Threads and GPUs are read once, when it is loaded: a second call gives the same
 * engine, and one for another engine is an EngineStartedError.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const addon = options.addon ?? installedEngine()?.addon;
  const name = options.name === 'auto' ? (started?.engine.name ?? (addon ? 'tensorflow' : 'cpu')) : options.name;
  if (started) {
    if (started.engine.name !== name) throw new EngineStartedError(started.engine.name, name);
    return started.engine;
  }
  if (name === 'tensorflow') {
    if (!addon) throw new EngineMissingError(undefined);
    Object.assign(process.env, loadEnvironment(options));
    const { tensorFlowEngine } = await import('./tensorflow/engine.ts');
    started = tensorFlowEngine(addon);
  } else {
    if (options.name === 'auto') process.stderr.write(`lamp: ${PLAIN_ENGINE_WARNING}\n`);
    const { cpuEngine } = await import('./cpu/engine.ts');
    started = await cpuEngine();
  }
  return started.engine;
}

/** What the engine of this process is made of and runs on, once it has started. */
export function engineVersions(): EngineVersions {
  if (!started) throw new Error('no engine has started in this process: call startEngine first');
  return describeMakeup(started.makeup, process.env['CUDA_VISIBLE_DEVICES']);
}
