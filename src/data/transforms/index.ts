import type { TransformSpec } from '../../config/runFile.ts';
import { normalizeIntensity } from './normalizeIntensity.ts';
import type { RandomTransform, Streams, Subject, Transform } from './transform.ts';

/** The transform that a run file asks for. */
export function transformFor(spec: TransformSpec): Transform {
  switch (spec.name) {
    case 'NormalizeIntensity':
      return normalizeIntensity(spec);
  }
}

/** What is done once to every image, training or not: the deterministic transforms of a list, in their order. */
export const applyDeterministic = (subject: Subject, specs: readonly TransformSpec[]): Subject =>
  specs
    .map(transformFor)
    .reduce((before, transform) => (transform.kind === 'deterministic' ? transform.apply(before) : before), subject);

/** What is drawn for every training sample. Each transform draws from streams of its own, named by its place in the list. */
export function applyRandom(subject: Subject, specs: readonly TransformSpec[], streams: Streams): Subject {
  const random = specs.flatMap((spec, place) => {
    const transform = transformFor(spec);
    return transform.kind === 'random' ? [{ transform, place, name: spec.name }] : [];
  });
  return random.reduce<Subject>(
    (before, { transform, place, name }: { transform: RandomTransform; place: number; name: string }) =>
      transform.apply(before, (purpose) => streams(`${place} ${name} ${purpose}`)),
    subject,
  );
}
