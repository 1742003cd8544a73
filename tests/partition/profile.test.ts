import { describe, expect, it } from 'vitest';
import {
  formatProfile,
  measuredCosts,
  parseProfile,
  ProfileError,
  profileMatches,
  profileMismatches,
} from '../../src/partition/profile.ts';
import type { Profile } from '../../src/partition/profile.ts';

const cell = (name: string, forward: number, backward: number): Profile['cells'][number] => ({
  ...{ name, forward, backward, backward_input: backward / 2, backward_weights: backward / 2 },
  spread: {
    forward: [forward, forward],
    backward: [backward, backward],
    backward_input: [backward / 2, backward / 2],
    backward_weights: [backward / 2, backward / 2],
  },
});

const unet = {
  ...{ name: 'unetpipe', spatial_dims: 3, in_channels: 1, out_channels: 10, n_feat: 8, depth: 2, norm: 'batch' },
  deep_supervision: false,
} as const satisfies Profile['model'];

const profile: Profile = {
  version: 3,
  model: unet,
  input_shape: [1, 32, 32, 32, 1],
  engine: 'tensorflow',
  loss: 'lamp',
  optimizer: 'adam',
  workers: [
    { device: 'some processor', threads: 1, speed: 1 },
    { device: 'some processor', threads: 1, speed: 1 },
  ],
  repeats: 5,
  cells: [cell('stem', 1.5, 3), cell('head', 2, 4)],
  loss_milliseconds: 1,
  update_per_million: 2,
  links: [{ from: 0, to: 1, latency: 0.2, bytes_per_ms: 1e6, copy_bytes_per_ms: 2e6 }],
};
const cells = profile.cells.map(({ name }) => ({ name }));

describe('a profile', () => {
  it('reads back as it was written', () => {
    expect(parseProfile(formatProfile(profile), 'profile.json')).toEqual(profile);
  });

  it.each([
    ['not JSON', '{'],
    ['workers', JSON.stringify({ ...profile, workers: [] })],
    ['version', JSON.stringify({ ...profile, version: 1 })],
    ['cells.0.forward', JSON.stringify({ ...profile, cells: [cell('stem', -1, 1)] })],
    ['more', JSON.stringify({ ...profile, more: 1 })],
  ])('is refused with file and fault: %s', (fault, text) => {
    expect(() => parseProfile(text, 'profile.json')).toThrow(ProfileError);
    expect(() => parseProfile(text, 'profile.json')).toThrow(new RegExp(`profile.json.*${fault}`));
  });

  it('holds for the run that it was measured for', () => {
    expect(profileMatches(profile, profile, cells)).toBe(true);
  });

  it.each<[Partial<Profile>, ...string[]]>([
    [
      { workers: profile.workers.map((worker) => ({ ...worker, device: 'another' })) },
      'workers.0.device was "some processor", and is "another"',
      'workers.1.device was "some processor", and is "another"',
    ],
    [{ engine: 'cpu' }, 'engine was "tensorflow", and is "cpu"'],
    [{ workers: profile.workers.slice(1) }, 'workers was 2, and is 1'],
    [{ loss: 'cross_entropy' }, 'loss was "lamp", and is "cross_entropy"'],
    [{ input_shape: [2, 32, 32, 32, 1] }, 'input_shape was [1,32,32,32,1], and is [2,32,32,32,1]'],
    [{ model: { ...unet, n_feat: 16 } }, 'model.n_feat was 8, and is 16'],
  ])('does not hold for another: %j', (change, ...reasons) => {
    expect(profileMismatches(profile, { ...profile, ...change }, cells)).toEqual(reasons);
    expect(profileMatches(profile, { ...profile, ...change }, cells)).toBe(false);
  });

  it('does not hold for other cells', () => {
    expect(profileMismatches(profile, profile, [...cells, { name: 'more' }])).toEqual([
      "its 2 cells are not the model's 3",
    ]);
  });

  it('puts measured times in the place of estimates', () => {
    const estimates = cells.map(({ name }) => ({ name, forward: 9, backward: 9, operations: 100, parameters: 7 }));
    expect(measuredCosts(profile, estimates)).toEqual([
      { name: 'stem', forward: 1.5, backward: 3, operations: 100, parameters: 7 },
      { name: 'head', forward: 2, backward: 4, operations: 100, parameters: 7 },
    ]);
  });
});
