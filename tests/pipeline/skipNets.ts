import type { Routes, SkipCell } from '../../src/pipeline/routes.ts';

/** The cells of a U-Net with a skip a level, as the parallel U-Net has them: a stem, levels down, levels up, a head. */
export const unetCells = (depth: number, cellsPerLevel = 2): SkipCell[] => {
  const level = (side: string, index: number, skip: Partial<SkipCell>): SkipCell[] =>
    Array.from({ length: cellsPerLevel }, (_, part) => ({
      name: `${side}.${index}.${part}`,
      ...(part === cellsPerLevel - 1 && skip.stash !== undefined && { stash: skip.stash }),
      ...(part === 0 && skip.pop !== undefined && { pop: skip.pop }),
    }));
  const levels = Array.from({ length: depth }, (_, index) => index);
  return [
    { name: 'stem', stash: 'skip.stem' },
    ...levels.flatMap((index) => level('encoder', index, index < depth - 1 ? { stash: `skip.${index}` } : {})),
    ...levels
      .toReversed()
      .flatMap((index) => level('decoder', index, { pop: index === 0 ? 'skip.stem' : `skip.${index - 1}` })),
    { name: 'head' },
  ];
};

/** Skips between stages that mirror each other: from the first to the last, from the second to the last but one … */
export const mirroredRoutes = (stages: number): Routes => ({
  stages,
  portals: Array.from({ length: Math.floor(stages / 2) }, (_, stage) => ({
    skip: `skip.${stage}`,
    from: stage,
    to: stages - 1 - stage,
    local: false,
  })),
});

/** The same, each from stage to stage. */
export const threadedRoutes = (stages: number): Routes => ({
  stages,
  portals: mirroredRoutes(stages).portals.flatMap(({ from, to, ...skip }) =>
    Array.from({ length: to - from }, (_, hop) => ({ ...skip, from: from + hop, to: from + hop + 1 })),
  ),
});
