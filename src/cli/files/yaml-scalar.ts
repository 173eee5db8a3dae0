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

/** The text that a scalar is as a key, as sigs.k8s.io/yaml writes it; undefined when it cannot be one. */
export function keyText(value: unknown, source: string): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number') return undefined;
  const integer = bigintIn(source.replaceAll('_', ''));
  if (integer === undefined) return float32Text(value);
  return integer > MAX_INT64 ? undefined : String(integer);
}

/** As strconv.FormatFloat(value, 'g', -1, 32) in Go: the fewest digits that make the same number of 32 bits. */
function float32Text(value: number): string {
  const single = Math.fround(value);
  if (!Number.isFinite(single)) return single > 0 ? '.inf' : '-.inf';
  if (Object.is(single, -0)) return '-0';
  let digits = 0;
  while (Math.fround(Number(single.toExponential(digits))) !== single) digits += 1;
  const text = single.toExponential(digits);
  const [, amount = '', sign = '', exponent = ''] = /^(.*)e([-+])(\d+)$/.exec(text) ?? [];
  const power = Number(sign + exponent);
  return power < -4 || power >= 6 ? `${amount}e${sign}${exponent.padStart(2, '0')}` : String(Number(text));
}

function integerIn(digits: string): number | undefined {
  const integer = bigintIn(digits);
  return integer === undefined ? undefined : Number(integer);
}

function bigintIn(digits: string): bigint | undefined {
  const [, sign = '', size = ''] = INTEGER.exec(digits) ?? [];
  if (size === '') return undefined;
  const amount = BigInt(size.replace(OCTAL, '0o'));
  const most = sign === '' ? MAX_UINT64 : sign === '-' ? MAX_INT64 + 1n : MAX_INT64;
  if (amount > most) return undefined;
  return sign === '-' ? -amount : amount;
}

function decimalIn(digits: string): number | undefined {
  const value = DECIMAL.test(digits) ? Number(digits) : NaN;
  return Number.isFinite(value) ? value : undefined;
}

function textOfBase64(source: string): string | undefined {
  const bytes = Buffer.from(source, 'base64');
  return bytes.toString('base64') === source.replaceAll(/\s/g, '') ? bytes.toString('utf8') : undefined;
}
