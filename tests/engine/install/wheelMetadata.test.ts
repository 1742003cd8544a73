import { expect, test } from 'vitest';
import { requirementsOfExtra } from '../../../src/engine/install/wheelMetadata.ts';

const metadata = `Metadata-Version: 2.4
Name: tensorflow
Requires-Dist: numpy>=1.26.0
Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"
Requires-Dist: nvidia-cudnn-cu12 (<10.0,>=9.3.0.75) ; extra == 'and-cuda'
Requires-Dist: nvidia-nccl-cu12; platform_system == "Linux" and extra == "and-cuda"
Requires-Dist: gcs>=0.23.1; (sys_platform != "win32" and python_version < "3.13") and extra == "gcs-filesystem"

Requires-Dist: prose; extra == "and-cuda"
`;

test('requirements of an extra are read in both notations, from the headers alone', () => {
  expect(requirementsOfExtra(metadata, 'and-cuda')).toEqual([
    'nvidia-cublas-cu12<13.0,>=12.5.3.2',
    'nvidia-cudnn-cu12<10.0,>=9.3.0.75',
    'nvidia-nccl-cu12',
  ]);
});

test('an extra that there is not has none', () => {
  expect(requirementsOfExtra(metadata, 'and-rocm')).toEqual([]);
});
