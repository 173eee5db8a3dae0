/** Programs and libraries in the format ELF. */

/** Offsets in the header of a 64-bit little-endian file, and in each of its program headers. */
const HEADER = { programs: 32, sections: 40, programSize: 54, programCount: 56, sectionCount: 60, names: 62 };
const PROGRAM = { offset: 8, fileSize: 32 };
const HEADER_OF_64_BITS_LITTLE_ENDIAN = Buffer.from('7f454c460201', 'hex');

/**
 * The file without what is not loaded into memory: names for debuggers, which are a seventh of Node. `strip` does the
 * same, but its bytes depend on its version, and it knows only one architecture.
 */
export function stripped(file: Buffer): Buffer {
  if (!file.subarray(0, 6).equals(HEADER_OF_64_BITS_LITTLE_ENDIAN))
    throw new Error('this is no program for a 64-bit little-endian machine');
  const first = Number(file.readBigUInt64LE(HEADER.programs));
  const size = file.readUInt16LE(HEADER.programSize);
  const count = file.readUInt16LE(HEADER.programCount);
  const ends = Array.from({ length: count }, (_, i) => {
    const at = first + i * size;
    return Number(file.readBigUInt64LE(at + PROGRAM.offset) + file.readBigUInt64LE(at + PROGRAM.fileSize));
  });
  const loaded = Buffer.from(file.subarray(0, Math.max(first + count * size, ...ends)));
  loaded.writeBigUInt64LE(0n, HEADER.sections);
  loaded.writeUInt16LE(0, HEADER.sectionCount);
  loaded.writeUInt16LE(0, HEADER.names);
  return loaded;
}
