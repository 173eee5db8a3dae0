/**
 * The values of scalars in YAML, as kubectl reads them: by the rules of go.yaml.in/yaml/v2 (resolve.go), which
 * sigs.k8s.io/yaml uses. They are those of YAML 1.1 without numbers to the base of 60, and with `0o10`, `0X1F`, `1e3`.
 */

type Constant = { readonly words: readonly string[]; readonly value: unknown };

const CONSTANTS: readonly Constant[] = [
  { words: ['', '~', 'null', 'Null', 'NULL'], value: null },
  { words: ['true', 'True', 'TRUE', 'y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON'], value: true },
  { words: ['false', 'False', 'FALSE', 'n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF'], value: false },
  { words: ['.nan', '.NaN', '.NAN'], value: NaN },
  { words: ['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'], value: Infinity },
  { words: ['-.inf', '-.Inf', '-.INF'], value: -Infinity },
];
const VALUES = new Map(CONSTANTS.flatMap(({ words, value }) => words.map((word) => [word, value] as const)));

const INTEGER = /^([-+]?)(0b[01]+|0o[0-7]+|0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i;
const OCTAL = /^0(?=[0-7])/;
const DECIMAL = /^[-+]?(\.\d+|\d+(\.\d*)?)(e[-+]?\d+)?$/i;
/** An underscore that is not between two digits. */
const MISPLACED = /(?<!\d)_|_(?!\d)/;
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/** The value of a plain scalar without a tag. */
export function plainValue(source: string): unknown {
  if (VALUES.has(source)) return VALUES.get(source);
  if (!/^[-+.\d]/.test(source)) return source;
  if (source.startsWith('.') && MISPLACED.test(source)) return source;
  const digits = source.replaceAll('_', '');
  return integerIn(digits) ?? decimalIn(digits) ?? source;
}

/** The value of a scalar with a tag of YAML; undefined when it is none of that tag. Other tags make it a text. */
export function taggedValue(tag: string, source: string): unknown {
  if (tag === 'null') return null;
  if (tag === 'binary') return textOfBase64(source);
  if (tag !== 'bool' && tag !== 'int' && tag !== 'float') return source;
  const value = plainValue(source);
  if (tag === 'bool') return typeof value === 'boolean' ? value : undefined;
  if (typeof value !== 'number') return undefined;
  return tag === 'float' || integerIn(source.replaceAll('_', '')) !== undefined ? value : undefined;
}

function integerIn(digits: string): number | undefined {
  const [, sign = '', size = ''] = INTEGER.exec(digits) ?? [];
  if (size === '') return undefined;
  const amount = BigInt(size.replace(OCTAL, '0o'));
  const most = sign === '' ? MAX_UINT64 : sign === '-' ? MAX_INT64 + 1n : MAX_INT64;
  if (amount > most) return undefined;
  return Number(sign === '-' ? -amount : amount);
}

function decimalIn(digits: string): number | undefined {
  const value = DECIMAL.test(digits) ? Number(digits) : NaN;
  return Number.isFinite(value) ? value : undefined;
}

function textOfBase64(source: string): string | undefined {
  const bytes = Buffer.from(source, 'base64');
  return bytes.toString('base64') === source.replaceAll(/\s/g, '') ? bytes.toString('utf8') : undefined;
}
