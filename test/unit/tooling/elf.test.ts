import { describe, expect, it } from 'vitest';
import { stripped } from '../../../scripts/image/elf.ts';

/** A program with one program header that loads 16 bytes from offset 128; what follows is for debuggers. */
function program(): Buffer {
  const file = Buffer.alloc(300, 'x');
  file.fill(0, 0, 128);
  Buffer.from('7f454c460201', 'hex').copy(file);
  file.writeBigUInt64LE(64n, 32); // program headers
  file.writeBigUInt64LE(200n, 40); // section headers
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt16LE(3, 60);
  file.writeUInt16LE(2, 62);
  file.writeBigUInt64LE(128n, 64 + 8);
  file.writeBigUInt64LE(16n, 64 + 32);
  return file;
}

describe('a stripped program', () => {
  it('has what is loaded, and no sections', () => {
    const before = program();
    const after = stripped(before);
    expect(after.length).toBe(144);
    expect(after.subarray(64)).toEqual(before.subarray(64, 144));
    expect([after.readBigUInt64LE(40), after.readUInt16LE(60), after.readUInt16LE(62)]).toEqual([0n, 0, 0]);
  });

  it('is one for a 64-bit little-endian machine', () => {
    expect(() => stripped(Buffer.from('#!/bin/sh\n'))).toThrow(
      /no program for a 64-bit little-endian machine/,
    );
  });
});
