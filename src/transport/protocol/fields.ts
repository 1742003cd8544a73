import { z } from 'zod';

export const count = z.number().int().nonnegative();
/** What was computed may be NaN or infinite: then the run has diverged, and that is not for a schema to say. */
export const computed = z.custom<number>((value) => typeof value === 'number', 'expected a number');
/** Of a request and its reply. */
export const id = z.number().int().nonnegative();
