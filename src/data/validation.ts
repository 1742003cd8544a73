import type { DataSpec } from '../config/runFile.ts';
import type { Case } from './dataset.ts';
import { deformCase } from './deform.ts';

/** A case as validation sees it: deformed where the run file asks for it, in the same way whoever asks. */
export const validationCase = (
  source: Case,
  data: Pick<DataSpec, 'validation_deformation'>,
  key: { seed: number; number: number },
): Case => (data.validation_deformation ? deformCase(source, data.validation_deformation, key) : source);
