import type { RandomStream } from '../../random/stream.ts';
import type { Joint, Place } from './shapes.ts';

/** Draws how the bodies of one case differ from the usual ones. */
export class Variation {
  readonly #stream: RandomStream;

  constructor(stream: RandomStream) {
    this.#stream = stream;
  }

  /** A factor within 1 ± share. */
  factor(share: number): number {
    return 1 + this.#stream.uniform(-share, share);
  }

  /** A place up to so many mm off along each axis. */
  near([x, y, z]: Place, mm: number): Place {
    const off = (): number => this.#stream.uniform(-mm, mm);
    return [x + off(), y + off(), z + off()];
  }

  /** Radii that are all larger or smaller, and each a little by itself. */
  radii([x, y, z]: Place, share: number): Place {
    const all = this.factor(share);
    return [x * all * this.factor(share / 2), y * all * this.factor(share / 2), z * all * this.factor(share / 2)];
  }

  /** A tube's joints, each moved, all of them thicker or thinner. */
  joints(joints: readonly Joint[], mm: number, share: number): readonly Joint[] {
    const all = this.factor(share);
    return joints.map(({ at, radius }) => ({ at: this.near(at, mm), radius: radius * all }));
  }
}
