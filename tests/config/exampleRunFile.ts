/** A run file that is right, for tests to spoil. */
export const exampleText = `name: brain
model:
  name: unetpipe
  out_channels: 3
  depth: 2
data:
  train:
    - { image: image.nii.gz, label: label.nii.gz }
  classes: [background, left, right]
  patch_size: [48, 48, 48]
optimizer: { name: rmsprop, lr: 0.001 }
training:
  epochs: 3
  batch_size: 4
`;
