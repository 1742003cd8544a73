/*
 * Z85: four bytes, as a number of 32 bits with the first byte highest, in five digits to the base of 85
 * (rfc.zeromq.org/spec/32).
 */

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** The text of bytes whose number is a multiple of four. */
export const toZ85 = (bytes: Uint8Array): string => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let at = 0; at < bytes.byteLength; at += 4) {
    let rest = view.getUint32(at);
    let group = '';
    for (let digit = 0; digit < 5; digit++) {
      group = DIGITS.charAt(rest % 85) + group;
      rest = Math.floor(rest / 85);
    }
    text += group;
  }
  return text;
};

/** The bytes of a text, or nothing where it is not Z85. */
export const fromZ85 = (text: string): Buffer | undefined => {
  if (text.length % 5 !== 0) return undefined;
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let group = 0; group < text.length / 5; group++) {
    let value = 0;
    for (const character of text.slice(5 * group, 5 * group + 5)) {
      const digit = DIGITS.indexOf(character);
      if (digit < 0) return undefined;
      value = value * 85 + digit;
    }
    if (value > 0xff_ff_ff_ff) return undefined;
    bytes.writeUInt32BE(value, 4 * group);
  }
  return bytes;
};
