/** What a process is doing that has been asked for nothing. */
export const IDLE = 'idle';

/** When it failed, after `failed`, by what it was doing: `during 1B0`. */
export const describeDuring = (doing: string): string =>
  doing === IDLE ? 'while it had nothing to do' : `during ${doing}`;
