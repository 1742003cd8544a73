import { z } from 'zod';
import { ByteSizeError, parseByteSize } from '../byteSize.ts';

/** Bytes, as a number or as people write sizes. */
export const byteSize = z
  .union([z.number().positive(), z.string()])
  .transform((value, context) => {
    if (typeof value === 'number') return value;
    try {
      return parseByteSize(value);
    } catch (error) {
      if (!(error instanceof ByteSizeError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  })
  .meta({ allowed: 'a size such as 16GB or 1.5 GiB' });
