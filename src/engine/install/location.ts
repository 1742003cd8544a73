import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ADDON, engineFolder, type EngineVariant } from './recipe.ts';

/** An engine that is ready to load. `addon` is the native module that tfjs-node loads. */
export interface InstalledEngine {
  readonly addon: string;
  readonly variant: EngineVariant;
  readonly directory: string;
}

/** Where engines, and what was downloaded for them, are kept: outside the checkout, so that a reinstall fetches nothing again. */
export function engineCache(env: NodeJS.ProcessEnv = process.env): string {
  const { LAMP_CACHE, XDG_CACHE_HOME } = env;
  return LAMP_CACHE || (XDG_CACHE_HOME ? join(XDG_CACHE_HOME, 'lamp') : join(homedir(), '.cache', 'lamp'));
}

/** Where the engines themselves are. */
export const enginesDirectory = (cache: string = engineCache()): string => join(cache, 'engine');

/** The engine of that variant; its folder arrives whole, so what is there is finished. */
export function engineOf(variant: EngineVariant, cache: string = engineCache()): InstalledEngine | undefined {
  const directory = join(enginesDirectory(cache), engineFolder(variant));
  const addon = join(directory, ADDON);
  return existsSync(addon) ? { addon, variant, directory } : undefined;
}

/** The engine to load: the one for GPUs before the one for CPUs, and our own builds before the package's old one. */
export function installedEngine(cache: string = engineCache()): InstalledEngine | undefined {
  return engineOf('gpu', cache) ?? engineOf('cpu', cache) ?? engineOf('prebuilt', cache);
}
