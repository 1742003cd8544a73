import { setTimeout } from 'node:timers/promises';
import type { Blow, Fault } from '../support/faults.ts';
import { marked } from '../support/marked.ts';
import { resume, type Launched, type LaunchOptions } from './launches.ts';

/** Within which the processes of a coordinator that was killed must have ended. */
const GONE_MILLISECONDS = 15_000;

/** Has every fault come at its moment; returns those that did before the run was over. */
export async function strike(
  launched: Launched,
  options: LaunchOptions,
  blows: readonly Blow[],
  over: AbortSignal,
): Promise<readonly Blow[]> {
  const landed: Blow[] = [];
  for (const blow of blows) {
    if (!(await moment(launched, blow, over))) break;
    if (await befall(launched, options, blow.fault, over)) landed.push(blow);
  }
  return landed;
}

/** Waits for the moment; false where the run was over before. */
async function moment(launched: Launched, { step, milliseconds }: Blow, over: AbortSignal): Promise<boolean> {
  while (stepsDone(launched.coordinator.out) < step) {
    if (over.aborted) return false;
    await setTimeout(2);
  }
  await setTimeout(milliseconds);
  return !over.aborted;
}

/** Steps that were reported as done; −1 before the launch is over. */
export function stepsDone(out: string): number {
  const last = /^[^]*\{"kind":"step",(?:"phase":"[^"]*",)?"step":(\d+)/.exec(out)?.[1];
  if (last !== undefined) return Number(last);
  return out.includes('{"kind":"launched"') ? 0 : -1;
}

/** False where whom it should have met is not there. */
async function befall(launched: Launched, options: LaunchOptions, fault: Fault, over: AbortSignal): Promise<boolean> {
  switch (fault.kind) {
    case 'kill':
      return signal(launched, fault.victim, 'SIGKILL') !== undefined;
    case 'stop':
      return signal(launched, fault.victim, 'SIGSTOP') !== undefined;
    case 'pause': {
      const pid = signal(launched, fault.victim, 'SIGSTOP');
      later(fault.milliseconds, over, () => {
        if (marked(launched.mark).some((each) => each.pid === pid)) process.kill(pid!, 'SIGCONT');
      });
      return pid !== undefined;
    }
    case 'resume':
      return killAndResume(launched, options);
    case 'drop':
    case 'cut':
    case 'freeze':
    case 'delay':
    case 'throttle':
      return harm(launched, fault, over);
  }
}

function signal(launched: Launched, victim: string, name: NodeJS.Signals): number | undefined {
  const pid = marked(launched.mark).find(({ title }) => title === `lamp ${victim}`)?.pid;
  if (pid !== undefined) process.kill(pid, name);
  return pid;
}

/** Kills the coordinator; its processes have to end by themselves before another goes on. */
async function killAndResume(launched: Launched, options: LaunchOptions): Promise<boolean> {
  launched.coordinator.kill('SIGKILL');
  if ((await launched.coordinator.ended) !== 'SIGKILL') return false;
  const end = performance.now() + GONE_MILLISECONDS;
  while (marked(launched.mark).length > 0 && performance.now() < end) await setTimeout(20);
  launched.coordinator = resume(launched, options);
  return true;
}

function harm({ proxies }: Launched, fault: Extract<Fault, { link: unknown }>, over: AbortSignal): boolean {
  const proxy = proxies[fault.link];
  if (!proxy) return false;
  switch (fault.kind) {
    case 'drop':
      proxy.drop();
      break;
    case 'cut':
      proxy.cutAfter(fault.bytes);
      break;
    case 'freeze':
      proxy.freeze();
      later(fault.milliseconds, over, () => proxy.heal());
      break;
    case 'delay':
      proxy.limit({ milliseconds: fault.milliseconds });
      break;
    case 'throttle':
      proxy.limit({ bytesPerSecond: fault.bytesPerSecond });
      break;
  }
  return true;
}

function later(milliseconds: number, over: AbortSignal, then: () => void): void {
  void setTimeout(milliseconds, undefined, { signal: over }).then(then, () => {});
}
