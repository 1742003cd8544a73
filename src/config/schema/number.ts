import { z } from 'zod';

export const positive = z.number().int().positive();
export const count = z.number().int().min(0);
export const share = z.number().min(0).max(1);
/** A momentum or decay: 0 ≤ x < 1. */
export const decay = z.number().min(0).lt(1);
export const notNegative = z.number().min(0);
