import { describe, expect, it } from 'vitest';
import { formatAction } from '../../src/pipeline/action.ts';
import { isLocal, linksOf, messageKey, messagesOf } from '../../src/pipeline/messages.ts';
import type { ActionMessages } from '../../src/pipeline/messages.ts';
import { routesOf } from '../../src/pipeline/routes.ts';
import { parseSchedule } from '../../src/pipeline/scheduleText.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { mirroredRoutes, unetCells } from './skipNets.ts';

const lines = (messages: readonly ActionMessages[]): string[] =>
  messages.map(({ action, needs, sends }) =>
    [formatAction(action), ...needs.map((one) => `< ${messageKey(one)}`), ...sends.map((one) => `> ${messageKey(one)}`)]
      .join(' ')
      .trim(),
  );

describe('the messages of a schedule', () => {
  it('carry activations and skips forward, and their gradients back', () => {
    const schedule = schedules.gpipe.generate({ stages: 3, microBatches: 1 });
    const routes = { stages: 3, portals: [{ skip: 'top', from: 0, to: 2, local: false }] };
    expect(messagesOf(schedule, routes).map(lines)).toEqual([
      ['0F0 > activation 0>1 m0 > skip top 0>2 m0', '0B0 < gradient 1>0 m0 < skipGradient top 2>0 m0'],
      ['1F0 < activation 0>1 m0 > activation 1>2 m0', '1B0 < gradient 2>1 m0 > gradient 1>0 m0'],
      ['2F0 < activation 1>2 m0 < skip top 0>2 m0', '2B0 > gradient 2>1 m0 > skipGradient top 2>0 m0'],
    ]);
  });

  it('pass through every stage where a skip is threaded', () => {
    const schedule = schedules.gpipe.generate({ stages: 3, microBatches: 1 });
    const cells = [{ name: 'a', stash: 'top' }, { name: 'b' }, { name: 'c', pop: 'top' }];
    const routes = routesOf(cells, { stages: cells.map((_, start) => ({ start, end: start + 1 })) }, ['top']);
    expect(messagesOf(schedule, routes).map(lines)).toEqual([
      ['0F0 > activation 0>1 m0 > skip top 0>1 m0', '0B0 < gradient 1>0 m0 < skipGradient top 1>0 m0'],
      [
        '1F0 < activation 0>1 m0 < skip top 0>1 m0 > activation 1>2 m0 > skip top 1>2 m0',
        '1B0 < gradient 2>1 m0 < skipGradient top 2>1 m0 > gradient 1>0 m0 > skipGradient top 1>0 m0',
      ],
      ['2F0 < activation 1>2 m0 < skip top 1>2 m0', '2B0 > gradient 2>1 m0 > skipGradient top 2>1 m0'],
    ]);
  });

  it('leave with the input gradient where the backward pass is split', () => {
    const text = 'schedule split\nmicro-batches 1\nplacement 0 1\nworker 0: 0F0 0I0 0W0\nworker 1: 1F0 1I0 1W0\n';
    expect(messagesOf(parseSchedule(text), mirroredRoutes(2)).map(lines)).toEqual([
      ['0F0 > activation 0>1 m0 > skip skip.0 0>1 m0', '0I0 < gradient 1>0 m0 < skipGradient skip.0 1>0 m0', '0W0'],
      ['1F0 < activation 0>1 m0 < skip skip.0 0>1 m0', '1I0 > gradient 1>0 m0 > skipGradient skip.0 1>0 m0', '1W0'],
    ]);
  });

  it('leave skips out that stay in their stage', () => {
    const cells = unetCells(3);
    const routes = routesOf(cells, { stages: [{ start: 0, end: cells.length }] });
    const messages = messagesOf(schedules.gpipe.generate({ stages: 1, microBatches: 4 }), routes).flat();
    expect(messages.flatMap(({ needs, sends }) => [...needs, ...sends])).toEqual([]);
  });

  it.each(['gpipe', '1f1b', 'forward'] as const)('are each sent once and needed once (%s)', (name) => {
    for (let stages = 1; stages <= 6; stages += 1) {
      const schedule = schedules[name].generate({ stages, microBatches: 5 });
      const messages = messagesOf(schedule, mirroredRoutes(stages)).flat();
      const needed = messages.flatMap(({ needs }) => needs.map(messageKey));
      const sent = messages.flatMap(({ sends }) => sends.map(messageKey));
      expect(new Set(sent).size).toBe(sent.length);
      expect(needed.toSorted()).toEqual(sent.toSorted());
    }
  });

  it('go over the links between workers, and those within a worker over none', () => {
    const chain = schedules.gpipe.generate({ stages: 4, microBatches: 2 });
    expect(linksOf(messagesOf(chain, mirroredRoutes(4)))).toEqual(
      [
        [0, 1],
        [0, 3],
        [1, 0],
        [1, 2],
        [2, 1],
        [2, 3],
        [3, 0],
        [3, 2],
      ].map(([from, to]) => ({ from, to })),
    );
    const folded = schedules.gpipe.generate({ stages: 4, microBatches: 2, placement: [0, 1, 1, 0] });
    const messages = messagesOf(folded, mirroredRoutes(4));
    expect(linksOf(messages)).toEqual([
      { from: 0, to: 1 },
      { from: 1, to: 0 },
    ]);
    const skips = messages.flat().flatMap(({ sends }) => sends.filter(({ kind }) => kind === 'skip'));
    expect(skips.every(isLocal)).toBe(true);
  });
});
