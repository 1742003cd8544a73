/** What a wheel's RECORD promises of one file. */
export interface RecordedFile {
  /** Base64 for URLs, without padding. */
  readonly sha256: string;
  readonly size: number;
}

/**
 * A wheel's list of its files: `path,sha256=digest,size` a line, as CSV; RECORD itself has neither digest nor size.
 * Source: the binary distribution format, packaging.python.org.
 */
export function parseRecord(text: string): Map<string, RecordedFile> {
  const files = new Map<string, RecordedFile>();
  for (const line of text.split(/\r?\n/)) {
    const [path, digest, size] = fields(line);
    const sha256 = digest?.match(/^sha256=([\w-]+)=*$/)?.[1];
    if (path !== undefined && sha256 !== undefined) files.set(path, { sha256, size: Number(size) });
  }
  return files;
}

/** A path with a comma or a quote in it is quoted, its quotes doubled. */
function fields(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}
