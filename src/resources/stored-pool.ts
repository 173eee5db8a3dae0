/**
 * A pool as the API server returns it. Another version of Careen may have left a spec that this one cannot read: the
 * pool then grants nothing, its open hosts are still released, and its status says what is wrong.
 */
import { z } from 'zod';
import { hostPoolSpec, hostPoolStatus, type HostPoolSpec, type HostPoolStatus } from '../crds/host-pool.ts';
import { exclusions } from '../crds/spec/label-selector.ts';
import { openstackProvider } from '../crds/spec/openstack-provider.ts';
import { complaint, metadata, type Metadata } from './stored-strategy.ts';

export type HostPool = {
  readonly metadata: Metadata;
  readonly spec: HostPoolSpec;
  readonly status: HostPoolStatus;
  /** Why the spec cannot be read; `spec` is then a substitute that grants nothing. */
  readonly unreadable?: string;
};

export const hostPool = z
  .object({ metadata, spec: z.unknown(), status: hostPoolStatus.default({}) })
  .transform(({ spec, ...rest }): HostPool => {
    const read = hostPoolSpec.safeParse(spec);
    if (read.success) return { ...rest, spec: read.data };
    return { ...rest, spec: substituteFor(spec), unreadable: complaint(read.error) };
  });

/** No node has a label without a name. */
const NO_NODE = { kubernetes: { nodeSelector: { '': '' } } };

const selector = z.record(z.string(), z.string()).default({});
const exclude = exclusions.catch(undefined);

/** The migrations of a cloud are as if the pool said nothing about them. */
const readableOpenstack = openstackProvider
  .pick({ identityRef: true, region: true })
  .extend({ hostSelector: selector, exclude })
  .transform(({ identityRef, region, ...selection }) => ({
    ...openstackProvider.parse({ identityRef, region }),
    ...selection,
  }));

/** Its hosts stay its own, as far as the provider can be read, so that no other pool takes them. */
const selection = z.object({
  provider: z
    .object({
      kubernetes: z.object({ nodeSelector: selector, exclude }).optional(),
      openstack: readableOpenstack.optional(),
    })
    .refine(({ kubernetes, openstack }) => (kubernetes === undefined) !== (openstack === undefined))
    .catch(NO_NODE),
});

function substituteFor(spec: unknown): HostPoolSpec {
  const { provider } = selection.catch({ provider: NO_NODE }).parse(spec);
  return {
    ...hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1, paused: true }),
    provider,
  };
}
