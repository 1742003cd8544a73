import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export type EngineVariant = 'cpu' | 'gpu' | 'prebuilt';

/** An engine that is ready to load. `addon` is the native module that tfjs-node loads. */
export interface InstalledEngine {
  readonly addon: string;
  readonly variant: EngineVariant;
  readonly directory: string;
}

/** Where engines, and what was downloaded for them, are kept: outside the checkout, so that a reinstall fetches nothing again. */
export function engineCache(): string {
  const { LAMP_CACHE, XDG_CACHE_HOME } = process.env;
  return LAMP_CACHE || (XDG_CACHE_HOME ? join(XDG_CACHE_HOME, 'lamp') : join(homedir(), '.cache', 'lamp'));
}

/** The engine to load: the one for GPUs before the one for CPUs. */
export function installedEngine(): InstalledEngine | undefined {
  for (const variant of ['gpu', 'cpu'] as const) {
    const directory = join(engineCache(), 'engine', `tfjs-4.22.0-tensorflow-2.21.0-${variant}`);
    const addon = join(directory, 'lib', 'napi-v8', 'tfjs_binding.node');
    if (existsSync(addon)) return { addon, variant, directory };
  }
  return undefined;
}
