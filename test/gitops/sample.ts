/** The common parts of the samples of all kinds. */
import { GROUP, VERSION } from '../../src/crds/names.ts';

export const TIME = '2026-11-25T09:00:00.000Z';

/** The status of an object that no operator has observed: the default of the schema. */
export const NOT_SEEN = { observedGeneration: -1 };

type Sample = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly generation: number;
    readonly deletionTimestamp?: string;
  };
  readonly status: object;
};

/** Objects by the name of their state. */
export type Samples = ReadonlyMap<string, Sample>;

/** Makes an object of that kind and generation from its status. */
export function objectOf(
  kind: string,
  generation: number,
): (status: object, metadata?: { readonly deletionTimestamp: string }) => Sample {
  return (status, metadata) => ({
    apiVersion: `${GROUP}/${VERSION}`,
    kind,
    metadata: { name: 'sample', generation, ...metadata },
    status,
  });
}
