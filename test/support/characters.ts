// Characters for property tests. The unit `binary` of fast-check gives the same, and first makes a table of all of them.
import fc from 'fast-check'

/** Any character but half a surrogate pair. */
export const anyCharacter = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code))
