import { counted } from '../../../crds/text/counted.ts';
import type { HostWords } from '../../../planner/hosts/host-words.ts';

/** How hosts that run the servers of an OpenStack are worded: with the commands of its client. */
export const SERVER_WORDS: HostWords = {
  says: (situation, host) => {
    switch (situation) {
      case 'opened-by-others':
        return `the compute service of ${host} was enabled by somebody while we work on it`;
      case 'closed-by-others':
        return `somebody has disabled the compute service of ${host}`;
      case 'closing-again':
        return `disabling the compute service of ${host} again`;
      case 'claimed':
        return `the compute service of ${host} was disabled and claimed`;
      case 'claim-lost':
        return `${host} lost the claim of this run: somebody removed or replaced its Lease`;
      case 'claim-spoilt':
        return `${host} cannot be claimed`;
      case 'kept-locked':
        return `the compute service of ${host} stays disabled`;
      case 'consent-missing':
        return `${host} runs servers that need consent to be moved`;
    }
  },
  remedy: (situation, host) => {
    const name = host === undefined ? '' : ` ${host}`;
    switch (situation) {
      case 'opened-by-others':
      case 'closing-again':
        return `openstack compute service set --disable${name} nova-compute`;
      case 'closed-by-others':
      case 'claimed':
      case 'kept-locked':
        return `openstack compute service set --enable${name} nova-compute`;
      case 'claim-lost':
      case 'claim-spoilt':
        return 'kubectl get leases -l careen.dev/host-claim shows the Leases of hosts, and kubectl delete removes one';
      case 'consent-missing':
        return `openstack server list --all-projects --host${name}`;
    }
  },
  instance: ({ namespace, name }) => `server ${name} of project ${namespace}`,
  instances: (count) => counted(count, 'server'),
  consent: () => 'that are not kept by Nova',
  budget: ({ namespace, name }) => ({
    says: `server group ${name} of project ${namespace}`,
    inspect: `openstack server group show ${name}`,
  }),
  leaving: ({ since, heldBy }) =>
    heldBy.length > 0 ? `waits in ${heldBy.join(', ')}` : `has been moving since ${since}`,
  ignoresClosing: (controller) => `of ${controller} came after the host was disabled`,
};
