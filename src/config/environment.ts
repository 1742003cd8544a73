/** The environment variables that this project reads, for the help. */
export const environmentVariables: Readonly<Record<string, string>> = {
  LAMP_CACHE: 'folder for the compute engine and its downloads (default: lamp in XDG_CACHE_HOME or ~/.cache)',
  LAMP_DEBUG: '1: print stack traces with errors, as --verbose does',
};

/** Whether errors are told with their stack. */
export function wantsStack(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return !['', '0', 'false', undefined].includes(environment['LAMP_DEBUG']);
}
