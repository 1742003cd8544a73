/**
 * The requirements that an extra adds, as pip takes them: `nvidia-cublas-cu12<13.0,>=12.5.3.2`. METADATA writes them as
 * `Requires-Dist: name (spec) ; marker` or `Requires-Dist: name spec; marker`.
 */
export function requirementsOfExtra(metadata: string, extra: string): string[] {
  const headers = metadata.split(/\r?\n\r?\n/, 1)[0] ?? '';
  return headers.split(/\r?\n/).flatMap((line) => {
    const [, requirement, marker] = line.match(/^Requires-Dist:\s*([^;]+);(.*)$/i) ?? [];
    if (requirement === undefined || marker === undefined || !asksFor(marker, extra)) return [];
    return [requirement.replace(/[()\s]/g, '')];
  });
}

const asksFor = (marker: string, extra: string): boolean =>
  [...marker.matchAll(/extra\s*==\s*['"]([^'"]+)['"]/g)].some(([, name]) => name === extra);
