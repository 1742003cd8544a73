import { appendFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { childLog } from '../../../src/telemetry/log/childLog.ts';
import { openLog, type LogOptions } from '../../../src/telemetry/log/log.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const root = temporaryFolder();
let folders = 0;
const folder = (): string => join(root, String(folders++));

const linesOf = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** What is written of some fields. */
function written(fields: Record<string, unknown>, options: Partial<LogOptions> = {}): Record<string, unknown> {
  const directory = folder();
  const log = openLog({ directory, process: 'worker 0', ...options });
  log.info('hello', fields);
  log.close();
  return linesOf(join(directory, 'worker-0.jsonl'))[0]!;
}

describe('a line', () => {
  it('says when, how serious, which process, where, and what', () => {
    const before = Date.now();
    const { time, ...line } = written({ step: 3, shape: [1, 2] });
    const own = { process: 'worker 0', pid: process.pid, host: hostname() };
    expect(line).toEqual({ level: 'info', ...own, msg: 'hello', step: 3, shape: [1, 2] });
    expect(new Date(time as string).toISOString()).toBe(time);
    expect(Date.parse(time as string)).toBeGreaterThanOrEqual(before);
  });

  it('is with the system when it has been said', () => {
    const directory = folder();
    const log = openLog({ directory, process: 'loader' });
    log.warn('one');
    expect(linesOf(join(directory, 'loader.jsonl'))).toMatchObject([{ level: 'warn', msg: 'one' }]);
    log.close();
  });

  it('never holds a secret, however deep it lies and however its name is written', () => {
    const secret = 'Xr1LhG.0yz$Q)!8jK5mN2pB7vC4xZ6wT9sR3dF1g';
    const keys = { secretKey: secret, CURVE_SECRET_KEY: secret, 'private-key': secret, publicKey: 'told' };
    const line = written({ ...keys, link: { own: [keys] }, map: new Map(Object.entries(keys)), token: { a: secret } });
    expect(JSON.stringify(line)).not.toContain(secret);
    expect(line).toMatchObject({ secretKey: '[hidden]', publicKey: 'told', link: { own: [{ publicKey: 'told' }] } });
  });

  it('keeps an error with its cause, and numbers that JSON has none of', () => {
    const error = new RangeError('too far', { cause: new Error('the road') });
    expect(written({ error, loss: NaN, gap: -Infinity, big: 3n })).toMatchObject({
      error: {
        name: 'RangeError',
        message: 'too far',
        stack: expect.stringContaining('log.test.ts'),
        cause: { message: 'the road' },
      },
      ...{ loss: 'NaN', gap: '-Infinity', big: '3' },
    });
  });

  it('has a bound, whatever it is given', () => {
    const ring: Record<string, unknown> = { text: 'x'.repeat(1e6), voxels: new Float32Array(1e6) };
    ring['self'] = ring;
    ring['list'] = Array.from({ length: 1e5 }, (_, i) => i);
    expect(JSON.stringify(written(ring)).length).toBeLessThan(100_000);
    expect(written(ring)['voxels']).toBe('Float32Array of 4000000 bytes');
  });

  it('keeps fields that are called as its own are', () => {
    expect(written({ pid: 7, time: 'noon', msg: 'other' })).toMatchObject({
      ...{ pid: process.pid, pid_: 7, time_: 'noon', msg: 'hello', msg_: 'other' },
    });
  });

  it('that cannot be read from its object is told instead of thrown', () => {
    const fields = Object.defineProperty({}, 'bad', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    expect(written(fields)).toMatchObject({ level: 'warn', msg: 'a line could not be written', lost: 'hello' });
  });
});

describe('a log', () => {
  it('holds lines from its level on', () => {
    const directory = folder();
    for (const level of ['warn', 'debug'] as const) {
      const log = openLog({ directory, process: level, level });
      for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each](each);
      log.close();
    }
    const messages = (name: string) => linesOf(join(directory, `${name}.jsonl`)).map(({ msg }) => msg);
    expect(messages('warn')).toEqual(['warn', 'error']);
    expect(messages('debug')).toEqual(['debug', 'info', 'warn', 'error']);
  });

  it('goes on where the one before it was killed, on a line of its own', () => {
    const directory = folder();
    const path = join(directory, 'worker-1.jsonl');
    mkdirSync(directory);
    appendFileSync(path, '{"level":"info","ti');
    const log = openLog({ directory, process: 'worker 1' });
    log.info('again');
    log.close();
    expect(readFileSync(path, 'utf8')).toMatch(/^\{"level":"info","ti\n\{.*"msg":"again"\}\n$/);
  });

  it('is set aside when it has reached its limit, and the one before is gone', () => {
    const directory = folder();
    const log = openLog({ directory, process: 'worker 0', limit: 1000 });
    for (let i = 0; i < 40; i++) log.info('line', { i });
    log.close();
    const path = join(directory, 'worker-0.jsonl');
    const kept = [...linesOf(`${path}.1`), ...linesOf(path)].map(({ i }) => i as number);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, k) => 40 - kept.length + k));
    for (const each of [path, `${path}.1`]) expect(readFileSync(each).length).toBeLessThanOrEqual(1000);
  });

  it('goes on in another file where the process is called otherwise', () => {
    const directory = folder();
    const log = openLog({ directory, process: 'worker 2' });
    log.info('before');
    log.rename('worker 1');
    log.info('after');
    log.close();
    expect(linesOf(join(directory, 'worker-2.jsonl'))).toMatchObject([{ process: 'worker 2', msg: 'before' }]);
    expect(linesOf(join(directory, 'worker-1.jsonl'))).toMatchObject([{ process: 'worker 1', msg: 'after' }]);
  });

  it('makes fields only for lines that are written', () => {
    const directory = folder();
    const log = openLog({ directory, process: 'loader' });
    log.debug('not written', () => expect.unreachable());
    log.info('written', () => ({ cost: 1 }));
    log.close();
    expect(linesOf(join(directory, 'loader.jsonl'))).toMatchObject([{ cost: 1 }]);
  });

  it('is echoed line by line', () => {
    const lines: string[] = [];
    written({ a: 1 }, { echo: (line) => lines.push(line) });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ a: 1 }]);
  });

  it.runIf(existsSync('/dev/full'))('says once that the disk is full, and lets the program go on', () => {
    const directory = folder();
    mkdirSync(directory);
    symlinkSync('/dev/full', join(directory, 'loader.jsonl'));
    const complaints: string[] = [];
    const log = openLog({ directory, process: 'loader', complain: (text) => complaints.push(text) });
    for (let i = 0; i < 3; i++) log.info('line');
    log.close();
    expect(complaints).toEqual([expect.stringMatching(/^lamp: loader writes no log any more: ENOSPC.*loader\.jsonl/)]);
  });

  it('that cannot be opened says so once', () => {
    const directory = folder();
    writeFileSync(directory, 'a file');
    const complaints: string[] = [];
    openLog({ directory, process: 'loader', complain: (text) => complaints.push(text) }).error('lost');
    expect(complaints).toHaveLength(1);
  });
});

describe('a process that another one started', () => {
  it('writes where its environment says', () => {
    const directory = folder();
    const log = childLog('worker 2', { LAMP_LOG_DIR: directory, LAMP_LOG_LEVEL: 'debug' });
    log.debug('here');
    log.close();
    expect(linesOf(join(directory, 'worker-2.jsonl'))).toMatchObject([{ level: 'debug', process: 'worker 2' }]);
  });

  it('writes none where that says nothing', () => {
    const log = childLog('worker 2', {});
    log.error('nowhere');
    log.close();
    expect(existsSync(join(process.cwd(), 'worker-2.jsonl'))).toBe(false);
  });

  it('of another host writes where it is told to, under the name that it has then', () => {
    const run = folder();
    mkdirSync(run);
    const log = childLog('gpu3', {});
    log.info('too early');
    log.rename('worker 3');
    log.open(join(run, 'logs'), 'info');
    log.open(join(run, 'elsewhere'), 'info');
    log.info('heard');
    log.close();
    expect(linesOf(join(run, 'logs', 'worker-3.jsonl'))).toMatchObject([{ process: 'worker 3', msg: 'heard' }]);
    expect(existsSync(join(run, 'elsewhere'))).toBe(false);
  });

  it('makes no folder for a run whose own it does not see', () => {
    const run = folder();
    const log = childLog('gpu3', {});
    log.open(join(run, 'logs'), 'info');
    log.error('nowhere');
    expect(existsSync(run)).toBe(false);
  });
});
