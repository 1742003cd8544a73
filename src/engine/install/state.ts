import { rememberedFallback } from './fallback.ts';
import { engineCache, installedEngine, type InstalledEngine } from './location.ts';

/** What is known, without loading anything, about the engine of this machine. */
export type EngineState =
  | { readonly kind: 'ready'; readonly engine: InstalledEngine }
  /** A set-up was tried, and nothing that it depends on has changed since. */
  | { readonly kind: 'unavailable'; readonly reasons: readonly string[]; readonly message: string }
  | { readonly kind: 'missing' };

/** The one loud line of a machine without TensorFlow. */
export const SLOW_LINE = 'NO TENSORFLOW: plain JavaScript computes, ABOUT 200 TIMES SLOWER. To mend it: npm run setup';

/** Looks for an engine; a few file look-ups, so that every command can ask. */
export function engineState(env: NodeJS.ProcessEnv = process.env): EngineState {
  const cache = engineCache(env);
  const engine = installedEngine(cache);
  if (engine !== undefined) return { kind: 'ready', engine };
  const reasons = rememberedFallback(cache, env);
  if (reasons === undefined) return { kind: 'missing' };
  return { kind: 'unavailable', reasons, message: `${SLOW_LINE} (${reasons[0] ?? 'no reason known'})` };
}
