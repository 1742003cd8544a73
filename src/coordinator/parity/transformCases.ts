import type { StoredTensor } from '../../checkpoint/safetensors.ts';
import { gridAffine } from '../../data/transforms/gridAffine.ts';
import { paddingOf, warpSubject } from '../../data/transforms/gridWarp.ts';
import { transformFor } from '../../data/transforms/index.ts';
import { bend } from '../../data/transforms/rand3DElastic.ts';
import type { Subject } from '../../data/transforms/transform.ts';
import { RandomStream } from '../../random/stream.ts';
import type { Affine, Volume } from '../../data/volume.ts';
import { compareElements, DIRECT, type Comparison } from './compare.ts';
import { tensorOf, type ReferenceCase } from './referenceCase.ts';
import type { DrawnWarp, TransformCase } from './transformSchema.ts';

/**
 * A transform of an image (C, i, j, k) or (C, i, j), whose axes i, j, k are a NIfTI file's and so our x, y, z. A tensor has its
 * last axis fastest and a volume its first, so the voxels are laid the other way round and back.
 */
export function runTransformCase(reference: ReferenceCase, transform: TransformCase): Comparison[] {
  const input = tensorOf(reference, 'input');
  const image = volumeOf(input, affineOf(reference.tensors.get('affine')));
  const subject = { file: reference.file, image };
  const { image: got } =
    'warp' in transform ? warped(subject, transform.warp, reference) : applied(subject, transform.step);
  const { values, shape } = tensorOf(reference, 'output');
  const gotShape = [got.channels, ...got.size].slice(0, shape.length);
  const same = gotShape.every((length, axis) => length === shape[axis]);
  const name = same ? 'output' : `output (${gotShape.join(' × ')}, not ${shape.join(' × ')})`;
  const output = { name, got: same ? tensorValues(got) : new Float32Array(), expected: values };
  const compared = [compareElements('output', [output], DIRECT)];
  const affine = reference.tensors.get('output_affine');
  if (!affine) return compared;
  const pair = { name: 'output_affine', got: entriesOf(got.affine), expected: entriesOf(affineOf(affine)) };
  return [...compared, compareElements('output_affine', [pair], DIRECT)];
}

const entriesOf = (affine: Affine): Float64Array => Float64Array.from(affine.flat());

type Step = Extract<TransformCase, { step: unknown }>['step'];

function applied(subject: Subject, step: Step): Subject {
  const transform = transformFor(step);
  return transform.apply(subject, (purpose) => new RandomStream(purpose));
}

/** The offset of a case, which is noise, becomes displacements as in training. */
function warped(subject: Subject, warp: DrawnWarp, reference: ReferenceCase): Subject {
  const { size } = subject.image;
  const { sigma, magnitude } = warp;
  const bent = sigma !== undefined && magnitude !== undefined;
  const offset = bent ? noiseOf(tensorOf(reference, 'offset')) : undefined;
  if (bent && offset) bend(offset, size, { sigma, magnitude });
  return warpSubject(
    subject,
    { size, affine: gridAffine(warp, size[2] === 1), offset },
    { mode: warp.mode === 'nearest' ? 'nearest' : 'linear', padding: paddingOf(warp.padding_mode) },
  );
}

function noiseOf(tensor: StoredTensor): readonly [Float32Array, Float32Array, Float32Array] {
  const { values } = volumeOf(tensor, IDENTITY);
  const voxels = values.length / 3;
  return [values.slice(0, voxels), values.slice(voxels, 2 * voxels), values.slice(2 * voxels)];
}

const IDENTITY: Affine = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
];

/** The identity where there is none; that of a plane (3 × 3) has the third axis between its own and its shift. */
function affineOf(tensor: StoredTensor | undefined): Affine {
  if (!tensor) return IDENTITY;
  const n = tensor.shape[0]!;
  const entry = (row: number, column: number): number => Number(tensor.values[n * row + column]);
  const row = (i: number): Affine[0] =>
    n === 4 ? [entry(i, 0), entry(i, 1), entry(i, 2), entry(i, 3)] : [entry(i, 0), entry(i, 1), 0, entry(i, 2)];
  return n === 4 ? [row(0), row(1), row(2), row(3)] : [row(0), row(1), [0, 0, 1, 0], [0, 0, 0, 1]];
}

function volumeOf({ shape, values }: StoredTensor, affine: Affine): Volume<Float32Array> {
  const [channels = 1, nx = 1, ny = 1, nz = 1] = shape;
  const size = [nx, ny, nz] as const;
  const turned = new Float32Array(values.length);
  eachVoxel(size, channels, (volumeIndex, tensorIndex) => (turned[volumeIndex] = Number(values[tensorIndex])));
  return { size, channels, values: turned, affine };
}

function tensorValues({ size, channels, values }: Volume<Float32Array>): Float32Array {
  const turned = new Float32Array(values.length);
  eachVoxel(size, channels, (volumeIndex, tensorIndex) => (turned[tensorIndex] = values[volumeIndex]!));
  return turned;
}

function eachVoxel(
  [nx, ny, nz]: Volume['size'],
  channels: number,
  visit: (volumeIndex: number, tensorIndex: number) => void,
): void {
  let at = 0;
  for (let c = 0; c < channels; c++)
    for (let z = 0; z < nz; z++)
      for (let y = 0; y < ny; y++) for (let x = 0; x < nx; x++) visit(at++, z + nz * (y + ny * (x + nx * c)));
}
