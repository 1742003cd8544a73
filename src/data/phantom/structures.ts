/** The organs of a phantom by the names of the head and neck data, in the order of their classes; class 0 is background. */
export const PHANTOM_CLASSES = [
  'background',
  'BrainStem',
  'Chiasm',
  'Mandible',
  'OpticNerve_L',
  'OpticNerve_R',
  'Parotid_L',
  'Parotid_R',
  'Submandibular_L',
  'Submandibular_R',
] as const;

export type PhantomClass = (typeof PHANTOM_CLASSES)[number];
