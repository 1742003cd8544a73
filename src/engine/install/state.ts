import { installedEngine } from './location.ts';

/** What is known, without loading anything, about the engine of this machine. */
export type EngineState = { readonly kind: 'ready' } | { readonly kind: 'missing' };

/** Looks for an engine; a few file look-ups, so that every command can ask. */
export function engineState(): EngineState {
  return installedEngine() === undefined ? { kind: 'missing' } : { kind: 'ready' };
}
