import pc from 'picocolors';
import type { LogEntry } from './entry.ts';
import type { LogLevel } from './level.ts';

type Colors = ReturnType<typeof pc.createColors>;

/** The widest name that most runs have: `coordinator`. */
const NAME_WIDTH = 11;
const INDENT = ' '.repeat(4);

/**
 * A line of a log as a person reads it, by the clock of this place:
 *
 *     09:30:12.120  info   worker 0     step 12  configured  cells=14 parameters=5,310
 *
 * What has lines of its own, such as a stack, follows below.
 */
export function formatEntry(entry: LogEntry, colors: Colors = pc): string {
  const paint = paintOf(entry.process, colors);
  const place = `${colors.dim(clockOf(entry.time))}  `;
  const name = paint(clean(entry.process).padEnd(NAME_WIDTH));
  if (entry.kind === 'damaged')
    return `${place}${colors.yellow('?????')}  ${name}  ${colors.yellow(`damaged line: ${printable(entry.text)}`)}`;
  const { step, ...fields } = entry.fields;
  const blocks: string[] = [];
  const pairs = Object.entries(fields).map(
    ([key, value]) => `${colors.dim(`${clean(key)}=`)}${clean(formatValue(value, blocks))}`,
  );
  const words = [
    ...(step === undefined ? [] : [`step ${clean(formatValue(step, blocks))}`]),
    clean(entry.message),
    pairs.join(' '),
  ];
  const line = `${place}${levelOf(entry.level, colors)}  ${name}  ${words.filter((word) => word !== '').join('  ')}`;
  const below = blocks.flatMap((block) => block.split('\n')).map((text) => `${INDENT}${colors.dim(clean(text))}`);
  return [line, ...below].join('\n');
}

/** `2026-11-24`: the day that a time is of, here. */
export function dayOf(time: number): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function clockOf(time: number): string {
  const date = new Date(time);
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}

const two = (n: number): string => String(n).padStart(2, '0');

const hues = ['cyan', 'green', 'magenta', 'blue', 'yellow'] as const;

/** A worker's colour follows from its number, so that it is the same in every view. */
function paintOf(process: string, colors: Colors): (text: string) => string {
  if (process === 'coordinator') return colors.bold;
  const number = Number(/\d+$/.exec(process)?.[0] ?? hues.length - 1);
  return colors[hues[number % hues.length]!];
}

function levelOf(level: LogLevel, colors: Colors): string {
  const text = level.padEnd(5);
  if (level === 'error') return colors.red(text);
  return level === 'warn' ? colors.yellow(text) : level === 'debug' ? colors.dim(text) : text;
}

/** Short things in place; a stack goes to `blocks`, which stand below. */
function formatValue(value: unknown, blocks: string[]): string {
  if (typeof value === 'object' && value !== null && 'message' in value) {
    const { name, message, stack, ...rest } = value as Record<string, unknown>;
    if (typeof stack === 'string') blocks.push(stack);
    const more = Object.keys(rest).length === 0 ? '' : ` ${formatValue(rest, blocks)}`;
    return `${typeof name === 'string' ? name : 'Error'}: ${String(message)}${more}`;
  }
  if (typeof value === 'string' && value.includes('\n')) {
    blocks.push(value);
    return '(below)';
  }
  if (typeof value === 'string') return /[\s"=]/.test(value) || value === '' ? JSON.stringify(value) : value;
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
  return JSON.stringify(value);
}

/** A damaged line may hold anything, and a terminal obeys it: what is no letter is shown as a point, and no more than a line's worth. */
const printable = (text: string): string => (text.length > 120 ? `${clean(text.slice(0, 120))}…` : clean(text));

// oxlint-disable-next-line no-control-regex -- they are what must not be printed
const clean = (text: string): string => text.replaceAll(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\ufffd]/g, '·');
