const QUANTITY = /^(\d+(?:\.\d*)?|\.\d+)(n|u|m|k)?$/;
const SCALE: Readonly<Record<string, number>> = { n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3 };

/** A quantity of CPU in whole CPUs, such as 0.5 for `500m`; 0 where there is none, or where it is no quantity. */
export function cpus(quantity: string | undefined): number {
  const [, number = '0', suffix = ''] = QUANTITY.exec(quantity ?? '') ?? [];
  return Number(number) * (SCALE[suffix] ?? 1);
}
