import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { linkFaults, type Blow } from '../support/faults.ts';
import { marked } from '../support/marked.ts';
import {
  killLeft,
  launchHere,
  launchWithWorkers,
  outputIn,
  temporaryIn,
  type Launched,
  type LaunchOptions,
} from './launches.ts';
import { countSockets, moreSockets, tensorsLeft, type Sockets } from './leaks.ts';
import { differences, leftFiles, outcomeOf, type Outcome } from './outcome.ts';
import { STEPS } from './smallNet.ts';
import { stepsDone, strike } from './strike.ts';

export interface Recovery {
  readonly from: 'memory' | 'disk' | 'beginning';
  /** For how long nothing was trained; not known where another coordinator went on. */
  readonly seconds?: number;
}

export interface ChaosResult {
  readonly seconds: number;
  /** Of the faults, those that came in time. */
  readonly landed: readonly Blow[];
  /** How the run went on after failures. */
  readonly recoveries: readonly Recovery[];
  /** What should not be; empty where all went well. */
  readonly problems: readonly string[];
  /** Undefined where it did not come to an end. */
  readonly outcome: Outcome | undefined;
  /** In its last steps. */
  readonly sockets: Sockets;
}

/** A run must be over by then, whatever befalls it. */
const DEADLINE_MILLISECONDS = 90_000;
/** Within which everything that belongs to a run must be gone when it is over. */
const GONE_MILLISECONDS = 15_000;

/** What a run is held to: one that nothing befell. */
export interface Expected {
  readonly outcome: Outcome;
  /** Of one whose processes are where this one's are; not looked at unless given. */
  readonly sockets?: Sockets | undefined;
}

/** Whether what befalls a run needs its workers to be behind a proxy. */
export const harmsLinks = (blows: readonly Blow[]): boolean =>
  blows.some(({ fault }) => linkFaults.some((kind) => kind === fault.kind));

/** Runs the small net, has faults befall it, and looks at what it left. */
export async function chaosRun(
  options: LaunchOptions,
  blows: readonly Blow[],
  expected?: Expected,
  elsewhere = harmsLinks(blows),
): Promise<ChaosResult> {
  const began = performance.now();
  const launched = elsewhere ? await launchWithWorkers(options) : launchHere(options);
  const over = new AbortController();
  const problems: string[] = [];
  try {
    const striking = strike(launched, options, blows, over.signal);
    const counting = countSockets(launched.mark, () => inLastSteps(launched), over.signal);
    problems.push(...(await ending(launched, striking)));
    over.abort();
    const landed = await striking;
    const seconds = (performance.now() - began) / 1000;
    problems.push(...(await leftBehind(launched, options)));
    const outcome = problems.length === 0 ? outcomeIn(options.folder) : undefined;
    const sockets = await counting;
    if (outcome && expected) problems.push(...differences(outcome, expected.outcome));
    if (outcome && expected?.sockets) problems.push(...moreSockets(sockets, expected.sockets));
    return { seconds, landed, recoveries: recoveriesOf(launched), problems, outcome, sockets };
  } finally {
    over.abort();
    await killLeft(launched);
  }
}

/** When all are there, and none is about to end. */
const inLastSteps = ({ coordinator: { out } }: Launched): boolean =>
  stepsDone(out) >= STEPS - 8 && !out.includes('{"kind":"finished"');

/** Waits until all have ended, by themselves and well. */
async function ending(launched: Launched, striking: Promise<unknown>): Promise<readonly string[]> {
  const late = new AbortController();
  const deadline = setTimeout(DEADLINE_MILLISECONDS, undefined, { signal: late.signal }).then(
    () => 'late' as const,
    () => 'late' as const,
  );
  const ended = lastEnding(launched, striking).then(async (code) => [
    code,
    ...(await Promise.all(launched.joined.map((worker) => worker.ended))),
  ]);
  const codes = await Promise.race([ended, deadline]);
  late.abort();
  const { out, err } = launched.coordinator;
  const said = `\n    it last said: ${out.trim().split('\n').at(-1)}\n    ${err.trim().split('\n').join('\n    ')}`;
  if (codes === 'late')
    return [
      `it did not end: there are ${marked(launched.mark)
        .map(({ pid, title }) => `${pid} ${title}`)
        .join(', ')}${said}\n    ${saidByWorkers(launched)}`,
    ];
  if (codes.every((code) => code === 0)) return [];
  return [`it ended with ${codes.join(', ')}${said}\n    ${saidByWorkers(launched)}`];
}

const saidByWorkers = ({ joined }: Launched): string => joined.map(({ err }) => err.trim()).join('\n    ');

/** A coordinator that is killed has another after it. */
async function lastEnding(launched: Launched, striking: Promise<unknown>): Promise<number | NodeJS.Signals> {
  for (;;) {
    const { coordinator } = launched;
    const code = await coordinator.ended;
    if (code === 'SIGKILL') await striking;
    if (coordinator === launched.coordinator) return code;
  }
}

async function leftBehind(launched: Launched, { folder }: LaunchOptions): Promise<readonly string[]> {
  const end = performance.now() + GONE_MILLISECONDS;
  while (marked(launched.mark).length > 0 && performance.now() < end) await setTimeout(50);
  const processes = marked(launched.mark).map(({ pid, title }) => `${pid} ${title}`);
  const files = directoriesIn(folder).flatMap((directory) => leftFiles(temporaryIn(folder), directory));
  return [
    ...(processes.length > 0 ? [`processes are left: ${processes.join(', ')}`] : []),
    ...(files.length > 0 ? [`files are left: ${files.join(', ')}`] : []),
    ...directoriesIn(folder).flatMap(tensorsLeft),
  ];
}

const directoriesIn = (folder: string): readonly string[] => {
  const output = outputIn(folder);
  return existsSync(output) ? readdirSync(output).map((name) => join(output, name)) : [];
};

function outcomeIn(folder: string): Outcome | undefined {
  const directory = directoriesIn(folder).at(-1);
  return directory === undefined ? undefined : outcomeOf(directory);
}

/** Of a coordinator that went on where another was killed, that too. */
const recoveriesOf = ({ coordinator }: Launched): readonly Recovery[] => [
  ...coordinator.events('resumed').map(() => ({ from: 'disk' }) as const),
  ...coordinator.events<Required<Recovery>>('recovered').map(({ from, seconds }) => ({ from, seconds })),
];
