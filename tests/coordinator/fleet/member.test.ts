import { expect, test } from 'vitest';
import { IDLE } from '../../../src/telemetry/failureReport/during.ts';
import { Member } from '../../../src/coordinator/fleet/member.ts';

test('a process is at what it was asked for last, until it has answered', async () => {
  const member = new Member('worker 0#1', 'worker 0', undefined);
  const reply = member.wait(7, { kind: 'apply', step: 3 });
  expect([member.asked, member.doing, member.step]).toEqual([true, 'apply', 3]);
  member.settle(7, { kind: 'applied', id: 7 });
  expect(await reply).toEqual({ kind: 'applied', id: 7 });
  expect([member.asked, member.doing, member.step]).toEqual([false, IDLE, undefined]);
});

test('what goes on beside that neither says nor ends what it is at', () => {
  const member = new Member('worker 0#1', 'worker 0', undefined);
  void member.wait(1, { kind: 'step', step: 4 });
  void member.wait(2, { kind: 'store', step: 2, background: true });
  expect([member.doing, member.step]).toEqual(['step', 4]);
  member.settle(2, { kind: 'handed', id: 2 });
  expect([member.asked, member.doing, member.step]).toEqual([true, 'step', 4]);
});

test('an evaluation is told without the number that its tensors go by', () => {
  const member = new Member('worker 0#1', 'worker 0', undefined);
  void member.wait(1, { kind: 'step', step: 37, evaluation: true });
  expect([member.doing, member.step]).toEqual(['evaluation', undefined]);
  member.at('0F2', 37);
  expect([member.doing, member.step]).toEqual(['0F2', undefined]);
  void member.wait(2, { kind: 'step', step: 5 });
  member.at('0F0', 5);
  expect([member.doing, member.step]).toEqual(['0F0', 5]);
});

test('an answer to nothing that was asked changes nothing that is waited for', () => {
  const member = new Member('worker 0#1', 'worker 0', undefined);
  void member.wait(1, { kind: 'step', step: 4 });
  member.settle(99, { kind: 'applied', id: 99 });
  expect([member.asked, member.doing]).toEqual([true, 'step']);
});

test('where a process is lost, every wait for it ends with that', async () => {
  const member = new Member('worker 0#1', 'worker 0', undefined);
  const waits = [member.wait(1, { kind: 'step' }), member.wait(2, { kind: 'store', background: true })];
  const failure = new Error('lost');
  member.reject(failure);
  expect(await Promise.allSettled(waits)).toEqual(waits.map(() => ({ status: 'rejected', reason: failure })));
  expect(member.asked).toBe(false);
});
