/** The places of labels and annotations in our kinds, for the rows of the admission test. */
import { kernelPatch, poolManifest, strategyManifest } from '../../operator/strategies.ts';
import type { Manifest } from '../apply.ts';

type Fields = Readonly<Record<string, unknown>>;
type Labels = Readonly<Record<string, unknown>>;

const ROLES = ['controller', 'storage', 'worker'] as const;
const strategy = (spec: Fields): Manifest => strategyManifest('tried', 'careen-hosts', spec);
const pool = (spec: Fields): Manifest => poolManifest('tried', 1, spec);

const identityRef = { name: 'careen-openstack', cloudName: 'production' };

/** The places of selectors: the path, and a pool with these labels there. */
export const SELECTORS = [
  [
    'spec.provider.kubernetes.nodeSelector',
    (nodeSelector: Labels) => pool({ provider: { kubernetes: { nodeSelector } } }),
  ],
  [
    'spec.provider.kubernetes.exclude[0].matchLabels',
    (matchLabels: Labels) => pool({ provider: { kubernetes: { exclude: [{ matchLabels }] } } }),
  ],
  [
    'spec.provider.openstack.hostSelector',
    (hostSelector: Labels) => pool({ provider: { openstack: { identityRef, hostSelector } } }),
  ],
  [
    'spec.provider.openstack.exclude[0].matchLabels',
    (matchLabels: Labels) => pool({ provider: { openstack: { identityRef, exclude: [{ matchLabels }] } } }),
  ],
  ...ROLES.map(
    (role) =>
      [
        `spec.roles.${role}.matchLabels`,
        (matchLabels: Labels) => pool({ roles: { [role]: { matchLabels } } }),
      ] as const,
  ),
] as const;

const podWith = (metadata: Fields) => ({
  job: { template: { metadata, spec: { containers: [{ name: 'a', image: 'b' }] } } },
});
/** The places of the labels and annotations of a pod: the path, and a strategy with these there. */
export const POD_LABELS = (['labels', 'annotations'] as const).flatMap(
  (field) =>
    [
      [
        `spec.patches[0].action.job.template.metadata.${field}`,
        (labels: Labels) => strategy({ patches: [{ ...kernelPatch, action: podWith({ [field]: labels }) }] }),
      ],
      [
        `spec.reboot.job.template.metadata.${field}`,
        (labels: Labels) => strategy({ reboot: podWith({ [field]: labels }) }),
      ],
    ] as const,
);
