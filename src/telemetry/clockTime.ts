/** Milliseconds since 1970 to the microsecond, by a clock that never goes back: the same for all processes of one machine. */
export const clockTime = (): number => performance.timeOrigin + performance.now();
