import { lamp } from './programs.mjs';

/** Sets the engine up if nothing has been decided about it yet; looks, and loads nothing, where it has. */
export async function engine() {
  const { engineState } = await import('../dist/engine/install/state.js');
  const state = engineState();
  if (state.kind === 'ready') return;
  if (state.kind === 'unavailable') {
    process.stdout.write(`! engine    ${state.message}\n`);
    return;
  }
  const code = await lamp(['setup']);
  if (code !== 0) throw new Error(`lamp setup ended with ${code}.`);
}
