import { expect, test } from 'vitest';
import { modelSchema } from '../../src/config/schema/model.ts';
import { countParameters, describeModel, parameterSpecs } from '../../src/models/describe.ts';
import { buildModel } from '../../src/models/index.ts';

const build = (options: object = {}) =>
  buildModel(modelSchema.parse({ name: 'coplenet', out_channels: 2, ...options }));

test('has the parameters of CopleNet() by default', () => {
  expect(countParameters(build().cells)).toBe(10_521_666);
});

test("carries the names of MONAI's research code, with linear upsampling and with transposed convolutions", () => {
  const names = new Set(parameterSpecs(build().cells).map(({ name }) => name));
  for (const name of [
    'in_conv.conv_conv_se.0.conv.weight',
    'down1.conv.conv_conv_se.2.norm.running_var',
    'down4.conv.conv_conv_se.3.fc.0.weight',
    'bridge3.norm.bias',
    'aspp.convs.3.bias',
    'aspp.conv_k1.conv.weight',
    'up1.up.upsample.0.bias',
    'out_conv.conv.weight',
  ])
    expect(names).toContain(name);
  const transposed = parameterSpecs(build({ bilinear: false }).cells).find(({ name }) => name.startsWith('up2.up'));
  expect(transposed).toMatchObject({ name: 'up2.up.upsample.weight', layout: 'transposed', shape: [2, 2, 64, 256] });
});

test.each([2, 3] as const)('gives every voxel of an image of %d axes its classes', (dims) => {
  const model = build({ spatial_dims: dims, in_channels: 3, out_channels: 5, feature_channels: [4, 8, 16, 32, 64] });
  const spatial = [48, 32, 16].slice(0, dims);
  expect(describeModel(model, [2, ...spatial, 3]).at(-1)!.outputShape).toEqual([2, ...spatial, 5]);
  expect(() => describeModel(model, [1, ...spatial.map(() => 24), 3])).toThrow('must be a multiple of 16');
});

test('channels that do not double are refused, with the reason', () => {
  const refused = modelSchema.safeParse({ name: 'coplenet', out_channels: 2, feature_channels: [4, 8, 16, 32, 32] });
  expect(refused.error?.issues[0]).toMatchObject({ path: ['feature_channels'] });
  expect(refused.error?.issues[0]?.message).toContain('twice the one before');
});

test('values are dropped only where a share is given', () => {
  const dropping = (dropout: number[]) =>
    build({ dropout }).cells.filter(({ layers }) => layers.some(({ name }) => name.endsWith('conv_conv_se.1')));
  expect(dropping([0, 0, 0, 0, 0])).toEqual([]);
  // The deepest level has no way up.
  expect(dropping([0.1, 0.1, 0.1, 0.1, 0.1])).toHaveLength(9);
});
