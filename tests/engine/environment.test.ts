import { describe, expect, test } from 'vitest';
import { engineEnvironment, loadEnvironment } from '../../src/engine/environment.ts';

describe('loadEnvironment', () => {
  test('gives TensorFlow its threads and hides the GPUs', () => {
    expect(loadEnvironment({ threads: 3, gpu: '' })).toMatchObject({
      TF_NUM_INTRAOP_THREADS: '3',
      CUDA_VISIBLE_DEVICES: '',
      TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    });
  });

  test('leaves alone what was not asked for', () => {
    const environment = loadEnvironment({});
    expect(environment).not.toHaveProperty('TF_NUM_INTRAOP_THREADS');
    expect(environment).not.toHaveProperty('CUDA_VISIBLE_DEVICES');
    expect(environment).not.toHaveProperty('TF_ENABLE_ONEDNN_OPTS');
  });
});

test('a process that is started for the engine gets that, too', () => {
  expect(engineEnvironment({ threads: 1, gpu: '2' })).toMatchObject(loadEnvironment({ threads: 1, gpu: '2' }));
});
