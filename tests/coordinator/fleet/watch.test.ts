import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Member } from '../../../src/coordinator/fleet/member.ts';
import { CHECK_MILLISECONDS, Watch } from '../../../src/coordinator/fleet/watch.ts';

const limits = { silence: 5000, stall: 8000, hang: Infinity };

/** Whole milliseconds, which add up exactly. */
const laterOn = (): number => Math.ceil(performance.now());

/** Somebody who has said hello, and was asked for something. */
function asked(name: string): Member {
  const member = new Member(name, name, undefined);
  member.greeting = { pid: 1, key: null };
  void member.wait(0, { kind: 'step' });
  return member;
}

/** What happens between two looks at each of two processes. */
const second = fc.record({ beats: fc.boolean(), computes: fc.boolean(), moves: fc.boolean() });
const seconds = fc.array(fc.tuple(second, second), { maxLength: 40 });

test('somebody is silent who was not heard of for too long, and nobody else', () => {
  fc.assert(
    fc.property(seconds, (course) => {
      const members = [asked('worker 0'), asked('worker 1')];
      const watch = new Watch({ ...limits, stall: Infinity });
      const unheard = [0, 0];
      let now = laterOn();
      watch.look([], now);
      for (const each of course) {
        for (const [i, { beats }] of each.entries()) {
          if (beats) members[i]!.silent = unheard[i] = 0;
          unheard[i]! += CHECK_MILLISECONDS;
        }
        const { silent } = watch.look(members, (now += CHECK_MILLISECONDS));
        expect(silent).toEqual(members.filter((_, i) => unheard[i]! > limits.silence));
      }
    }),
  );
});

test('all stand still where nobody has computed or got any further for too long', () => {
  fc.assert(
    fc.property(seconds, (course) => {
      const members = [asked('worker 0'), asked('worker 1')];
      const watch = new Watch({ ...limits, silence: Infinity });
      let now = laterOn();
      watch.look(members, now);
      let still = 0;
      for (const each of course) {
        for (const [i, { computes, moves }] of each.entries()) {
          const { progress } = members[i]!.pulse;
          members[i]!.pulse = { doing: computes ? 'computing' : 'waiting', progress: progress + Number(moves) };
        }
        still = each.some(({ computes, moves }) => computes || moves) ? 0 : still + CHECK_MILLISECONDS;
        const { stalled } = watch.look(members, (now += CHECK_MILLISECONDS));
        expect(stalled !== undefined).toBe(still > limits.stall);
      }
    }),
  );
});

test('somebody hangs who computes and gets no further for too long, whatever the others do', () => {
  fc.assert(
    fc.property(seconds, (course) => {
      const members = [asked('worker 0'), asked('worker 1')];
      const watch = new Watch({ silence: Infinity, stall: Infinity, hang: 3000 });
      let now = laterOn();
      watch.look(members, now);
      const stuck = [0, 0];
      for (const each of course) {
        for (const [i, { computes, moves }] of each.entries()) {
          const { progress } = members[i]!.pulse;
          members[i]!.pulse = { doing: computes ? 'computing' : 'waiting', progress: progress + Number(moves) };
          stuck[i] = computes && !moves ? stuck[i]! + CHECK_MILLISECONDS : 0;
        }
        const { hung } = watch.look(members, (now += CHECK_MILLISECONDS));
        expect(hung.map(({ member }) => member)).toEqual(members.filter((_, i) => stuck[i]! > 3000));
      }
    }),
  );
});

test('what the coordinator slept through counts for no more than two seconds', () => {
  const member = asked('worker 0');
  const watch = new Watch(limits);
  const now = laterOn();
  watch.look([member], now);
  expect(watch.look([member], now + 3_600_000)).toEqual({ silent: [], hung: [], stalled: undefined });
  expect(member.silent).toBeLessThanOrEqual(4 * CHECK_MILLISECONDS);
});

test('nobody waits for whoever is lost, or has not said hello, or was asked for nothing', () => {
  const lost = asked('worker 0');
  lost.lost = true;
  const coming = new Member('worker 1', 'worker 1', undefined);
  const idle = new Member('worker 2', 'worker 2', undefined);
  idle.greeting = { pid: 1, key: null };
  const watch = new Watch({ ...limits, silence: Infinity });
  const start = laterOn();
  for (let look = 0; look < 20; look++) {
    const now = start + look * CHECK_MILLISECONDS;
    expect(watch.look([lost, coming, idle], now).stalled).toBeUndefined();
  }
  expect([lost.silent, coming.silent]).toEqual([0, 0]);
});
