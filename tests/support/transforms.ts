import { transformsSchema } from '../../src/config/schema/transforms.ts';

/** What is done to images where a run file says nothing: the z-score of their non-zero voxels. */
export const usualTransforms = transformsSchema.parse(undefined);
