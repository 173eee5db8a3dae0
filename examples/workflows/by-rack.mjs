/**
 * Maintains one rack at a time: all hosts of a rack are emptied, then worked on, then the next rack follows. The rack of a
 * host is its label example.com/rack. docs/reference/own-workflows.md describes what `next` is given, and what it answers.
 */
export const careenWorkflow = {
  apiVersion: 'v1alpha1',

  next({ session, hosts }) {
    const left = hosts.filter(({ type, maintained }) => type === 'compute' && !maintained);
    const rack = left.filter((host) => rackOf(host) === rackOf(left[0]));
    switch (session.state) {
      case 'MAINTENANCE':
      case 'START_MAINTENANCE':
        return rack.length > 0
          ? {
              kind: 'round',
              state: 'PLANNED_MAINTENANCE',
              acts: rack.map(({ name }) => ({ do: 'empty', host: name })),
            }
          : { kind: 'round', state: 'MAINTENANCE_COMPLETE', acts: [{ do: 'ask' }] };
      case 'PLANNED_MAINTENANCE':
        return {
          kind: 'round',
          state: 'START_MAINTENANCE',
          acts: rack.map(({ name }) => ({ do: 'maintain', host: name })),
        };
      default:
        return { kind: 'complete' };
    }
  },
};

function rackOf({ labels }) {
  return labels['example.com/rack'] ?? '';
}
