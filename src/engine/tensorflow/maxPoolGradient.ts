import type { PoolGeometry } from '../engine.ts';
import { sizeOf, type Tensor } from '../tensor.ts';
import { stridedSlice, stridedSliceGradient } from './stridedSlice.ts';
import type { Runtime } from './runtime.ts';

/** What pooling read and gave, and the gradient of what it gave. */
interface Pooled {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly dy: Tensor;
}

/** TensorFlow's pooling, and its gradient, which goes to all of equal voxels. */
interface PoolKernels {
  readonly pool: (x: Tensor) => Tensor;
  readonly toAll: (x: Tensor, y: Tensor, dy: Tensor) => Tensor;
}

/**
 * The gradient of 3D max pooling, which goes to the first of equal voxels, as in PyTorch. TensorFlow gives it to each of
 * them, so that a constant background would count eight times.
 *
 * Where windows do not overlap, the largest voxels are ranked by their place in the window, and the gradient goes through
 * a second pooling of the ranks, in which no two are equal.
 */
export function maxPoolGradient3D(
  r: Runtime,
  { pool, toAll }: PoolKernels,
  pooled: Pooled,
  geometry: PoolGeometry,
): Tensor {
  const apart = geometry.sizes.every((size, axis) => size <= geometry.strides[axis]!);
  if (!apart) return tapByTap(r, pooled, geometry);
  const { x, y, dy } = pooled;
  return r.tf.tidy(() => {
    const largest = toAll(x, y, r.tf.onesLike(dy));
    const ranks = r.tf.mul(largest, placeRanks(r, x.shape.slice(1, -1), geometry));
    return toAll(ranks, pool(ranks), dy);
  });
}

/** (depth, height, width, 1): K for the first place in a window of K voxels, 1 for the last. */
function placeRanks(r: Runtime, spatial: readonly number[], { sizes, strides }: PoolGeometry): Tensor {
  const [, height, width] = sizes;
  const weights = [height! * width!, width!, 1];
  const along = spatial.map((size, axis) => {
    const places = Float32Array.from({ length: size }, (_, i) => (i % strides[axis]!) * weights[axis]!);
    return r.tf.tensor(
      places,
      [0, 1, 2, 3].map((a) => (a === axis ? size : 1)),
    );
  });
  const place = r.tf.add(r.tf.add(along[0]!, along[1]!), along[2]!);
  return r.tf.sub(r.scalar(sizeOf(sizes)), place);
}

/** For windows that overlap: each place in the window in turn takes what no place before it took. */
function tapByTap(r: Runtime, { x, y, dy }: Pooled, { sizes, strides }: PoolGeometry): Tensor {
  const { tf } = r;
  const [depth, height, width] = sizes as [number, number, number];
  let free = tf.onesLike(dy);
  let dx = tf.zerosLike(x);
  for (let tap = 0; tap < depth * height * width; tap++) {
    const place = [Math.floor(tap / (height * width)), Math.floor(tap / width) % height, tap % width];
    const grid = { begin: [0, ...place, 0], strides: [1, ...strides, 1], count: dy.shape };
    const [nextFree, nextDx] = tf.tidy(() => {
      const hit = tf.mul(tf.cast(tf.equal(stridedSlice(r, x, grid), y), 'float32'), free);
      const part = stridedSliceGradient(r, x.shape, grid, tf.mul(hit, dy));
      return [tf.sub(free, hit), tf.add(dx, part)] as [Tensor, Tensor];
    });
    free.dispose();
    dx.dispose();
    [free, dx] = [nextFree, nextDx];
  }
  free.dispose();
  return dx;
}
