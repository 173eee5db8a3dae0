/** What configures the operator's process. Pure. */
import { LEAST_KEY_BYTES, LONGEST_BASE } from '../../tenants/reply-links.ts';

export type Settings = {
  /** Of probes and metrics; 0 takes any free port. */
  readonly port: number;
  /** How long a standby waits for a silent leader. */
  readonly leaseSeconds: number;
  /** How often every pool and strategy is reconciled, even without a change. */
  readonly resyncSeconds: number;
  /** Where projects answer by HTTP; undefined: nowhere. */
  readonly replies?: RepliesSettings | undefined;
};

export type RepliesSettings = {
  /** The address by which projects reach the server of answers. */
  readonly url: string;
  readonly port: number;
  /** By it the operator makes addresses that nobody can guess. */
  readonly key: Uint8Array;
};

type Environment = Readonly<Record<string, string | undefined>>;
type Range = { readonly least: number; readonly most: number; readonly otherwise: number };

/** Reads the settings; throws an error that names every variable with a value that cannot work. */
export function settingsIn(environment: Environment): Settings {
  const problems: string[] = [];
  const wholeNumber = (name: string, { least, most, otherwise }: Range): number => {
    const text = environment[name] || String(otherwise);
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    problems.push(
      `${name} is ${JSON.stringify(text)}: set a whole number from ${String(least)} to ${String(most)}, ` +
        `or leave it out for ${String(otherwise)}`,
    );
    return otherwise;
  };
  const settings = {
    port: wholeNumber('CAREEN_PORT', { least: 0, most: 65_535, otherwise: 8080 }),
    leaseSeconds: wholeNumber('CAREEN_LEASE_SECONDS', { least: 3, most: 600, otherwise: 15 }),
    resyncSeconds: wholeNumber('CAREEN_RESYNC_SECONDS', { least: 1, most: 3_600, otherwise: 30 }),
  };
  const repliesPort = wholeNumber('CAREEN_REPLIES_PORT', { least: 0, most: 65_535, otherwise: 8082 });
  const replies = repliesIn(environment, repliesPort, problems);
  if (problems.length > 0) throw new Error(problems.join('; '));
  return { ...settings, ...(replies ? { replies } : {}) };
}

function repliesIn(
  { CAREEN_REPLIES_URL: url, CAREEN_REPLIES_KEY: text }: Environment,
  port: number,
  problems: string[],
): RepliesSettings | undefined {
  if (!url) return undefined;
  const parsed = URL.parse(url);
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol) || url.length > LONGEST_BASE)
    problems.push(
      `CAREEN_REPLIES_URL is ${JSON.stringify(url)}: set an address such as https://careen.example.com, of at most ` +
        `${String(LONGEST_BASE)} characters`,
    );
  const key = Buffer.from(text ?? '', 'utf8');
  if (key.length < LEAST_KEY_BYTES)
    problems.push(
      `CAREEN_REPLIES_KEY has ${String(key.length)} bytes: set ${String(LEAST_KEY_BYTES)} random ones or more, from a Secret`,
    );
  return { url, port, key };
}
