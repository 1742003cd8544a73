import { basename } from 'node:path';
import type { FlawedCheckpoint, FoundCheckpoint, WholeCheckpoint } from '../checkpoint/training/inventory.ts';
import type { Manifest } from '../checkpoint/training/manifest.ts';
import { isPart } from '../checkpoint/training/names.ts';
import type { StateFiles } from '../checkpoint/training/stateFiles.ts';
import { parseStateKey, type StateKey } from '../checkpoint/training/stateKey.ts';
import { formatTable, type Column } from '../telemetry/table.ts';
import { formatBytes, formatCount, formatDuration } from '../telemetry/units.ts';

const sizeOf = ({ files }: Manifest): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** What is known of a checkpoint, for programs. */
export function checkpointFacts(found: FoundCheckpoint): object {
  if (found.status !== 'whole') return found;
  const { step, path, status, manifest } = found;
  const { epoch, phase, created, layout } = manifest;
  return { status, step, path, epoch, phase, created, bytes: sizeOf(manifest), ...layout };
}

/** On one line; JSON has no NaN, which is null there. */
export const json = (value: unknown): string => `${JSON.stringify(value)}\n`;

const right = { align: 'right' } as const;

/** A table of a run's checkpoints. */
export function describeList(run: string, found: readonly FoundCheckpoint[], now: number): string {
  if (found.length === 0) return `${run} has no checkpoints\n`;
  const phases = found.some((each) => each.status === 'whole' && each.manifest.phase !== undefined);
  const columns: Column[] = [
    ...[{ title: 'step', ...right }, { title: 'epoch', ...right }, ...(phases ? [{ title: 'phase' }] : [])],
    ...['workers', 'replicas', 'size', 'age'].map((title) => ({ title, ...right })),
    { title: 'state' },
  ];
  const rows = found.map((each) => {
    if (each.status !== 'whole') {
      const blank = Array.from({ length: columns.length - 2 }, () => '');
      return [String(each.step), ...blank, describeFlaw(each)];
    }
    const { step, epoch, phase, created, layout } = each.manifest;
    const figures = [layout.workers, layout.replicas].map(String);
    const size = formatBytes(sizeOf(each.manifest));
    return [
      String(step),
      String(epoch),
      ...(phases ? [phase ?? ''] : []),
      ...figures,
      size,
      age(created, now),
      'whole',
    ];
  });
  return `${formatTable(columns, rows)}\n`;
}

const age = (created: string, now: number): string => formatDuration(Math.max(0, now - Date.parse(created)) / 1000);

const describeFlaw = ({ status, file, problem }: FlawedCheckpoint): string => `${status}: ${file} ${problem}`;

export const describeVerified = (found: FoundCheckpoint): string =>
  `${basename(found.path)}  ${
    found.status === 'whole'
      ? `whole: ${formatCount(found.manifest.files.length, 'file')}, ${formatBytes(sizeOf(found.manifest))}`
      : describeFlaw(found)
  }\n`;

export const describePassed = (found: FlawedCheckpoint): string =>
  `${basename(found.path)} is passed over (${describeFlaw(found)})\n`;

export const describeConverted = (result: {
  readonly checkpoint: string;
  readonly file: string;
  readonly tensors: number;
  readonly values: number;
}): string =>
  `${result.file}: ${formatCount(result.tensors, 'tensor')} (${formatCount(result.values, 'value')}) from ${result.checkpoint}\n`;

/** The manifest's facts, the files, what the parts hold together, and the coordinator's state, whatever that is. */
export function describeContents({ path, manifest }: WholeCheckpoint, state: StateFiles, now: number): string {
  const { step, epoch, phase, created, layout, files } = manifest;
  const facts = [
    ['step', String(step)],
    ['epoch', String(epoch)],
    ...(phase === undefined ? [] : [['phase', phase]]),
    ['written', `${created}, ${age(created, now)} ago`],
    ...linesOf('', layout),
  ];
  const blocks = [
    `${path}\n${formatTable([{}, {}], facts)}`,
    formatTable(
      [{ title: 'file' }, { title: 'tensors', ...right }, { title: 'size', ...right }],
      files.map(({ name, bytes }) => [name, isPart(name) ? String(tensorsIn(state, name)) : '', formatBytes(bytes)]),
    ),
    formatTable([{ title: 'holds' }, { title: 'tensors', ...right }, { title: 'values', ...right }], holdings(state)),
    ...stateBlock(manifest.state),
  ];
  return `${blocks.join('\n\n')}\n`;
}

const tensorsIn = (state: StateFiles, name: string): number =>
  state.keys.filter((key) => basename(state.fileOf(key)!) === name).length;

function holdings(state: StateFiles): readonly (readonly string[])[] {
  const sums = new Map<string, { tensors: number; values: number }>();
  for (const [key, { shape }] of state.entries) {
    const kind = kindOf(parseStateKey(key));
    const sum = sums.get(kind) ?? { tensors: 0, values: 0 };
    sum.tensors++;
    sum.values += shape.reduce((product, size) => product * size, 1);
    sums.set(kind, sum);
  }
  return [...sums].map(([kind, { tensors, values }]) => [kind, String(tensors), values.toLocaleString('en-US')]);
}

function kindOf(key: StateKey): string {
  if (key.kind === 'slot') return `optimizer: ${key.slot}`;
  return key.kind === 'teacher' ? 'teacher' : 'weights';
}

/** At most so many lines; --json has all. */
const MOST_LINES = 40;

function stateBlock(state: unknown): readonly string[] {
  const lines = linesOf('', state);
  if (lines.length === 0) return [];
  const more = lines.length > MOST_LINES ? `\nand ${lines.length - MOST_LINES} more (--json shows all)` : '';
  return [`state\n${formatTable([{}, {}], lines.slice(0, MOST_LINES))}${more}`];
}

const DEEPEST = 4;
const LONGEST_LIST = 6;
const LONGEST_TEXT = 80;

/** A value of any kind as lines of a key and what stands there: `data.epoch  3`. Long lists are only counted. */
function linesOf(key: string, value: unknown, depth = 0): string[][] {
  if (value === undefined || (value === null && depth === 0)) return [];
  if (Array.isArray(value)) {
    const short = value.length <= LONGEST_LIST && value.every((each) => typeof each !== 'object' || each === null);
    return [[key, short ? `[${value.map(textOf).join(', ')}]` : formatCount(value.length, 'entry', 'entries')]];
  }
  if (typeof value !== 'object' || value === null) return [[key, textOf(value)]];
  const fields = Object.entries(value);
  if (depth === DEEPEST) return [[key, formatCount(fields.length, 'key')]];
  return fields.flatMap(([name, each]) => linesOf(key === '' ? name : `${key}.${name}`, each, depth + 1));
}

function textOf(value: unknown): string {
  const text = String(value).replaceAll(/\s+/g, ' ');
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}
