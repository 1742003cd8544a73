/** Element types of a volume on the host. Complex and RGB images are refused. */
export type VoxelArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** A 4 × 4 matrix from voxel indices (i, j, k, 1) to millimetres in RAS+ (x right, y anterior, z superior), row major. */
export type Affine = readonly (readonly [number, number, number, number])[];

/**
 * A 3D image or label map as it lies in a NIfTI file: x fastest, then y, then z (and channels last of all).
 * `values[x + nx·(y + ny·(z + nz·c))]`
 */
export interface Volume<T extends VoxelArray = VoxelArray> {
  readonly size: readonly [nx: number, ny: number, nz: number];
  readonly channels: number;
  readonly values: T;
  readonly affine: Affine;
}
