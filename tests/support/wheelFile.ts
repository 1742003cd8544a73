import { createHash } from 'node:crypto';
import { crc32, deflateRawSync } from 'node:zlib';

export interface WheelOptions {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly metadata?: string;
  /** Replaces the RECORD that fits the files. */
  readonly record?: string;
}

/** A wheel in memory: a zip of the files, METADATA and a RECORD with their digests. */
export function wheelFile({ name, files, metadata = '', record }: WheelOptions): Buffer {
  const info = `${name}-1.0.dist-info`;
  const all = {
    ...files,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\n${metadata}\n\nA description.\n`,
  };
  const lines = Object.entries(all).map(([path, text]) => `${quoted(path)},sha256=${digest(text)},${text.length}`);
  const recordPath = `${info}/RECORD`;
  return zip({ ...all, [recordPath]: record ?? [...lines, `${recordPath},,`, ''].join('\n') });
}

const quoted = (path: string): string => (/[",]/.test(path) ? `"${path.replaceAll('"', '""')}"` : path);

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** The zip format: a header and the data of each member, then the directory of them all, then its place. */
function zip(files: Readonly<Record<string, string>>): Buffer {
  const members: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, text] of Object.entries(files)) {
    const name = Buffer.from(path);
    const data = deflateRawSync(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(text), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(Buffer.byteLength(text), 18);
    common.writeUInt16LE(name.length, 22);
    const member = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, name, data]);
    const place = Buffer.alloc(14);
    // A program by its Unix mode (0100755), for files in a folder of programs.
    place.writeUInt32LE(((path.includes('/bin/') ? 0o100755 : 0o100644) * 0x10000) >>> 0, 6);
    place.writeUInt32LE(offset, 10);
    const made = Buffer.from([20, 3]);
    directory.push(Buffer.concat([Buffer.from('PK\u0001\u0002'), made, common, place, name]));
    members.push(member);
    offset += member.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...members, ...directory, Buffer.from('PK\u0005\u0006'), end]);
}
