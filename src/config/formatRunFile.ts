import { Document, isScalar, visit } from 'yaml';
import type { RunFile } from './runFile.ts';

/** A run file as YAML, every default written out: what loads from it is the same run. */
export function formatRunFile(run: RunFile): string {
  const document = new Document(run, { aliasDuplicateObjects: false });
  document.commentBefore = ' As resolved: defaults, and what the command line set, are written out.';
  visit(document, {
    // Lists of plain values fit on one line.
    Seq: (_, node) => {
      node.flow = node.items.every(isScalar);
    },
  });
  return document.toString({ lineWidth: 0 });
}
