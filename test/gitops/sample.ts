/** What samples of all kinds have in common. */
import { GROUP, VERSION } from '../../src/crds/names.ts';

export const TIME = '2026-11-25T09:00:00.000Z';

/** What the API server shows of an object that no operator has looked at: the default of the schema. */
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

/** Objects by the name of the state that they are in. */
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
