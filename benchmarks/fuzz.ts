import { parseArgs } from 'node:util';
import { fuzz } from '../tests/transport/fuzz/fuzz.ts';
import type { PlaneReport } from '../tests/transport/fuzz/fuzzData.ts';
import { describeMachine, thisMachine } from './support/machine.ts';

/*
 * Sends bad messages to both planes over real sockets with keys, with good ones in between and strangers hammering meanwhile.
 *
 *     npm run fuzz -- [--frames 1000000] [--seed S]
 *
 * The same seed draws the same messages, but for what is replayed: that depends on what has arrived. It ends with 1 where a good message did not arrive, or a bad one was not counted.
 */

const { values: options } = parseArgs({
  options: {
    frames: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
  },
});
const [frames, seed] = [Number(options.frames), Number(options.seed)];

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);
const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

function tell(name: string, { sent, refused, arrived, good }: PlaneReport): void {
  print(`${name}: ${sumOf(sent)} bad messages`);
  print(`  sent:    ${listed(sent)}`);
  print(`  refused: ${listed(refused)}`);
  print(`  good messages in between: ${arrived} of ${good} arrived as they were sent`);
}

/** Whether all that was bad was counted, and all that was good arrived. A last few replayed tensors may lie unclaimed. */
function holds({ expected, refused, arrived, good }: PlaneReport): boolean {
  const counted = Object.entries(expected).every(([reason, count]) => {
    const found = refused[reason] ?? 0;
    return reason === 'replayed' ? found <= count && found >= count - 64 : found === count;
  });
  return counted && arrived === good;
}

print(`seed ${seed}; ${describeMachine(thisMachine())}`);
const { control, data, strangers, keysRefused, resident, seconds } = await fuzz({ frames, seed });
tell('control plane', control);
tell('data plane', data);
const { connections, toldAtMost } = strangers;
print(
  `strangers: ${connections} connections, told at most ${toldAtMost} bytes; ${keysRefused} handshakes with a wrong key`,
);
print(
  `resident memory of both ends and the strangers: ${mebibytes(resident.start)} at the start, ${mebibytes(resident.peak)} at most`,
);
print(`${seconds.toFixed(0)} s`);
const sound = holds(control) && holds(data);
print(sound ? 'every bad message was refused and counted, every good one arrived' : 'NOT as promised');
process.exitCode = sound ? 0 : 1;
