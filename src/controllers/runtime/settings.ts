/** The numbers that configure the operator's process. Pure. */
export type Settings = {
  /** Of probes and metrics; 0 takes any free port. */
  readonly port: number;
  /** How long a standby waits for a silent leader. */
  readonly leaseSeconds: number;
  /** How often every pool and strategy is reconciled, even without a change. */
  readonly resyncSeconds: number;
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
  if (problems.length > 0) throw new Error(problems.join('; '));
  return settings;
}
