/**
 * A process that competes for a Lease, for tests that stop or kill one:
 *
 *     node test/support/operator/elector.ts --kubeconfig F --namespace N --name L --identity I --lease-seconds 3
 *
 * It reports in JSON lines: `started` with its process id, `leading`, and `lost`
 * before it ends. On the line `stop` it stops itself and reports, as `woken`,
 * the answers of its leadership right before and right after, in one go: no
 * other code of the process runs in between. It ends when its standard input does.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { LeaderElection } from '../../../src/leadership/leader-election.ts';
import { connect } from '../controlplane/controlplane.ts';

const string = { type: 'string', default: '' } as const;
const { values } = parseArgs({
  options: { kubeconfig: string, namespace: string, name: string, identity: string, 'lease-seconds': string },
});

/** Writes at once, also when the process ends right afterwards. */
function report(event: string, fields: object = {}): void {
  writeSync(1, `${JSON.stringify({ event, ...fields })}\n`);
}

const election = new LeaderElection({
  config: connect(values.kubeconfig),
  namespace: values.namespace,
  name: values.name,
  identity: values.identity,
  leaseSeconds: Number(values['lease-seconds']),
  monotonic: () => performance.now(),
  log: { info: () => undefined, warn: () => undefined },
});
const input = createInterface(process.stdin).on('close', () => process.exit());

report('started', { pid: process.pid });
const leadership = await election.lead(new AbortController().signal);
leadership.lost.addEventListener('abort', () => {
  report('lost', { reason: String(leadership.lost.reason) });
  process.exit(1);
});
input.on('line', (line) => {
  if (line !== 'stop') return;
  const before = leadership.isValid();
  process.kill(process.pid, 'SIGSTOP');
  report('woken', { before, after: leadership.isValid() });
});
report('leading');
