import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { RefusalCount } from '../../src/transport/counters.ts';
import { newKeyPair } from '../../src/transport/keyPair.ts';
import { answer, guard } from '../../src/transport/zap.ts';
import type { Guard } from '../../src/transport/zap.ts';
import { fromZ85 } from '../../src/transport/z85.ts';

const keys = newKeyPair();
const friend = newKeyPair().publicKey;
const open: Guard[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

const guarded = async (admits = (key: string) => key === friend) => {
  const refused = new RefusalCount();
  const made = await guard({ keys, admits }, refused);
  open.push(made);
  return { domain: made.options.zapDomain, refused };
};

const ask = (domain: string, change: Record<number, Uint8Array | string | undefined> = {}): string[] => {
  const usual = ['1.0', 'id', domain, '10.0.0.1', '', 'CURVE', fromZ85(friend)!];
  const frames = usual.map((frame, i) => (i in change ? change[i] : frame)).filter((frame) => frame !== undefined);
  return answer(frames.map((frame) => Buffer.from(frame as string))).map(String);
};

describe('the guard of a socket', () => {
  it('admits the keys that it is told to, under its own domain alone', async () => {
    const [one, other] = [await guarded(), await guarded(() => false)];
    expect(ask(one.domain)).toEqual(['1.0', 'id', '200', 'OK', '', '']);
    expect(ask(other.domain)).toMatchObject(['1.0', 'id', '400', expect.stringContaining('not admitted'), '', '']);
    expect(one.refused.now).toEqual({});
    expect(other.refused.now).toEqual({ key: 1 });
  });

  it('refuses whatever is no request of ours, and counts it by its reason', async () => {
    const { domain, refused } = await guarded();
    expect(ask(domain, { 5: 'NULL', 6: undefined })[2]).toBe('400');
    expect(ask(domain, { 5: 'PLAIN', 6: 'name' })[2]).toBe('400');
    expect(refused.now).toEqual({ mechanism: 2 });
    expect(ask(domain, { 6: undefined })[2]).toBe('400');
    expect(ask(domain, { 6: 'short' })[2]).toBe('400');
    expect(ask(domain, { 0: '2.0' })[2]).toBe('500');
    expect(refused.now).toEqual({ mechanism: 2, request: 3 });
    expect(ask('another')[2]).toBe('400');
    expect(answer([])).toMatchObject(['1.0', '', '500', expect.anything(), '', '']);
  });

  it('admits nobody where the key cannot be looked up', async () => {
    const { domain } = await guarded(() => {
      throw new Error('no');
    });
    expect(ask(domain)[2]).toBe('500');
  });

  it('admits nobody once it is closed', async () => {
    const { domain } = await guarded();
    open.pop()!.close();
    expect(ask(domain)[2]).toBe('400');
  });

  it('never says 200 to arbitrary frames', async () => {
    const { domain } = await guarded();
    const frame = fc.oneof(fc.constantFrom('1.0', domain, 'CURVE', ''), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 9 }), (frames) => {
        expect(['400', '500']).toContain(answer(frames.map((each) => Buffer.from(each as string)))[2]);
      }),
      { numRuns: 2000 },
    );
  });

  it('can be opened again and again, one after the other and many at once', async () => {
    for (let i = 0; i < 20; i++) {
      const { close } = await guard({ keys, admits: () => true }, new RefusalCount());
      close();
    }
    const many = await Promise.all(Array.from({ length: 10 }, () => guarded()));
    expect(new Set(many.map(({ domain }) => domain)).size).toBe(10);
  });
});
