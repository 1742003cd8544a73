import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forgetFallback, rememberFallback } from './fallback.ts';
import type { InstallContext } from './installContext.ts';
import { asInstallError, type InstallError } from './installError.ts';
import { engineOf, enginesDirectory, installedEngine, type InstalledEngine } from './location.ts';
import { hasNvidiaDriver } from './platform.ts';
import { downloadPrebuilt } from './prebuiltEngine.ts';
import { engineFolder, type EngineVariant, type WheelVariant } from './recipe.ts';
import { withSetUpLock } from './setUpLock.ts';
import { buildFromWheel } from './wheelEngine.ts';
import { putInPlace, withWorkspace } from './workspace.ts';

export interface SetUpRequest {
  /** Left out: `gpu` where NVIDIA's driver runs, else `cpu`. */
  readonly variant?: WheelVariant | undefined;
  /** Builds anew what is there. */
  readonly force?: boolean | undefined;
}

/** `faults` are the ways that were tried before and are closed. */
export type SetUpOutcome =
  | {
      readonly kind: 'ready';
      readonly fresh: boolean;
      readonly engine: InstalledEngine;
      readonly faults: InstallError[];
    }
  /** Plain tfjs is what is left. */
  | { readonly kind: 'plain'; readonly faults: InstallError[] };

/** The ways to an engine, the best first. */
export const waysTo = (wanted: WheelVariant): readonly EngineVariant[] =>
  wanted === 'gpu' ? ['gpu', 'cpu', 'prebuilt'] : ['cpu', 'prebuilt'];

/**
 * Makes the best engine that this machine can have, unless it is there. Two set-ups at once do the work once; one that
 * is cut off leaves a folder that the next takes away.
 */
export async function setUpEngine(request: SetUpRequest, context: InstallContext): Promise<SetUpOutcome> {
  const wanted = request.variant ?? (hasNvidiaDriver() ? 'gpu' : 'cpu');
  const found = request.force ? undefined : engineOf(wanted, context.cache);
  if (found !== undefined) return { kind: 'ready', fresh: false, engine: found, faults: [] };
  const engines = enginesDirectory(context.cache);
  const waiting = (): void => context.report.note('another set-up is at work; waiting for it');
  try {
    return await withSetUpLock(engines, { signal: context.signal, waiting }, (signal) =>
      tryWays(wanted, request, { ...context, signal }),
    );
  } catch (error) {
    context.signal.throwIfAborted();
    return { kind: 'plain', faults: [asInstallError(error)] };
  }
}

async function tryWays(wanted: WheelVariant, { force }: SetUpRequest, context: InstallContext): Promise<SetUpOutcome> {
  const { cache, env, report, signal } = context;
  const log = startLog(cache);
  const faults: InstallError[] = [];
  for (const variant of waysTo(wanted)) {
    // While we waited for the lock another set-up may have built it.
    const there = force && variant === wanted ? undefined : engineOf(variant, cache);
    if (there !== undefined) return { kind: 'ready', fresh: false, engine: there, faults };
    try {
      const engine = await install(variant, wanted, context, log);
      forgetFallback(cache);
      return { kind: 'ready', fresh: true, engine, faults };
    } catch (error) {
      signal.throwIfAborted();
      const fault = asInstallError(error);
      // What closes one way often closes the next: no pip, no disk.
      if (!faults.some(({ message }) => message === fault.message)) report.note(describeFault(variant, fault));
      faults.push(fault);
    }
  }
  // Building anew failed: what was there before still is.
  const kept = installedEngine(cache);
  if (kept !== undefined) return { kind: 'ready', fresh: false, engine: kept, faults };
  rememberFallback(cache, env, faults);
  return { kind: 'plain', faults };
}

async function install(
  variant: EngineVariant,
  wanted: WheelVariant,
  context: InstallContext,
  log: string,
): Promise<InstalledEngine> {
  const engines = enginesDirectory(context.cache);
  await withWorkspace(engines, async (workspace) => {
    const finished =
      variant === 'prebuilt'
        ? await downloadPrebuilt(wanted, workspace, context, log)
        : await buildFromWheel(variant, workspace, context, log);
    await putInPlace(finished, join(engines, engineFolder(variant)), workspace);
  });
  return engineOf(variant, context.cache)!;
}

const describeFault = (variant: EngineVariant, { message, remedy, log }: InstallError): string =>
  [`no ${variant} engine: ${message}`, remedy && `  mend it: ${remedy}`, log && `  log: ${log}`]
    .filter(Boolean)
    .join('\n');

/** One log a set-up, of all that the programs involved print. */
function startLog(cache: string): string {
  const folder = join(cache, 'logs');
  mkdirSync(folder, { recursive: true });
  const log = join(folder, 'set-up.log');
  writeFileSync(log, '');
  return log;
}
