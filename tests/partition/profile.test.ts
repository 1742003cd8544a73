import { describe, expect, it } from 'vitest';
import {
  formatProfile,
  measuredCosts,
  median,
  parseProfile,
  ProfileError,
  profileMatches,
  profileMismatches,
} from '../../src/partition/profile.ts';
import type { Profile } from '../../src/partition/profile.ts';

const profile: Profile = {
  version: 1,
  model: { name: 'unetpipe', spatial_dims: 3, in_channels: 1, out_channels: 10, n_feat: 8, depth: 2, norm: 'batch' },
  input_shape: [1, 32, 32, 32, 1],
  engine: 'tensorflow',
  device: 'some processor',
  threads: 1,
  repeats: 5,
  cells: [
    { name: 'stem', forward: 1.5, backward: 3 },
    { name: 'head', forward: 2, backward: 4, backward_input: 2, backward_weights: 2 },
  ],
};
const cells = profile.cells.map(({ name }) => ({ name }));

describe('a profile', () => {
  it('reads back as it was written', () => {
    expect(parseProfile(formatProfile(profile), 'profile.json')).toEqual(profile);
  });

  it.each([
    ['not JSON', '{'],
    ['threads', JSON.stringify({ ...profile, threads: 0 })],
    ['version', JSON.stringify({ ...profile, version: 2 })],
    ['cells.0.forward', JSON.stringify({ ...profile, cells: [{ name: 'stem', forward: -1, backward: 1 }] })],
    ['more', JSON.stringify({ ...profile, more: 1 })],
  ])('is refused with file and fault: %s', (fault, text) => {
    expect(() => parseProfile(text, 'profile.json')).toThrow(ProfileError);
    expect(() => parseProfile(text, 'profile.json')).toThrow(new RegExp(`profile.json.*${fault}`));
  });

  it('holds for the run that it was measured for', () => {
    expect(profileMatches(profile, profile, cells)).toBe(true);
  });

  it.each<[Partial<Profile>, string]>([
    [{ device: 'another' }, 'device was "some processor", and is "another"'],
    [{ engine: 'cpu' }, 'engine was "tensorflow", and is "cpu"'],
    [{ threads: 2 }, 'threads was 1, and is 2'],
    [{ input_shape: [2, 32, 32, 32, 1] }, 'input_shape was [1,32,32,32,1], and is [2,32,32,32,1]'],
    [{ model: { ...profile.model, n_feat: 16 } }, 'model.n_feat was 8, and is 16'],
  ])('does not hold for another: %j', (change, reason) => {
    expect(profileMismatches(profile, { ...profile, ...change }, cells)).toEqual([reason]);
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

describe('the median', () => {
  it.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[10, 9, 1, 2], 5.5],
  ])('of %j is %d', (times, middle) => {
    expect(median(times)).toBe(middle);
  });
});
