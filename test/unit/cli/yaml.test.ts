import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readYaml, YamlError, yamlText } from '../../../src/cli/files/yaml.ts';
import { FILES, REFUSED, VALUES } from '../../support/cli/yaml-corpus.ts';

const contents = (text: string): unknown[] => readYaml(text).map(({ content }) => content);

/** The position of the problem in a text. */
function problem(text: string): string {
  try {
    return `none: ${JSON.stringify(contents(text))}`;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return error.position;
  }
}

describe('YAML is read as kubectl reads it', () => {
  it.each(VALUES)('value %j', (yaml, value) => {
    expect(contents(`content:\n  ${yaml}\n`)).toEqual([{ content: value }]);
  });

  it.each(FILES)('file %j', (file, expected) => {
    expect(contents(file)).toEqual(expected.map((content): unknown => expect.objectContaining({ content })));
  });

  it.each(REFUSED)('refused, with line and column: %j', (file, position) => {
    expect(problem(file)).toBe(position);
  });

  it('an object that its aliases make huge is refused', () => {
    const levels = Array.from(
      { length: 9 },
      (_, at) =>
        `a${String(at + 1)}: &a${String(at + 1)} [${Array(9)
          .fill(`*a${String(at)}`)
          .join(', ')}]`,
    );
    expect(problem(['a0: &a0 [x]', ...levels].join('\n'))).toMatch(/^7:/);
  });

  it('a field has a position, also one in an alias or a merge, and one that is missing', () => {
    const [document] = readYaml('---\na: &a\n  b: [1, {c: 2}]\nd: *a\ne:\n  <<: *a\n  f: 3\n');
    const positions = [['a', 'b', 1, 'c'], ['a', 'x'], ['d'], ['d', 'b', 0], ['e', 'b'], ['e', 'f'], []].map(
      (path) => document?.positionOf(path),
    );
    expect(positions).toEqual(['3:14', '3:3', '4:5', '3:7', '3:6', '7:6', '2:1']);
  });

  it('what is written is read again', () => {
    const word = fc.stringMatching(/^[0-9.:_+~exobXOBnyYNTtruf<=#!&*-]{0,6}$/);
    const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => each || 0);
    fc.assert(
      fc.property(fc.oneof(word, number, fc.dictionary(word, word)), (value) => {
        expect(contents(yamlText({ value }))).toEqual([{ value }]);
      }),
      { numRuns: 2000 },
    );
  });
});
