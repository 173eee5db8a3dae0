/** The operator's process: reads the environment, builds the parts, wires them. */
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { CareenOperator } from './controllers/careen-operator.ts';
import { PooledKubeConfig } from './hostops/kubernetes/kube-client.ts';
import { KubernetesHostOps } from './hostops/kubernetes/kubernetes-host-ops.ts';

const log = pino({
  name: 'careen',
  level: process.env['LOG_LEVEL'] ?? 'info',
  timestamp: pino.stdTimeFunctions.isoTime,
});
const clock = (): number => Date.now();

const config = new PooledKubeConfig();
config.loadFromDefault();
const hosts = new KubernetesHostOps(config, log, clock);
await hosts.start();

const operator = new CareenOperator({ config, hosts, log, clock, newId: randomUUID });

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'stopping');
    void operator
      .close()
      .then(() => hosts.stop())
      .then(() => process.exit(0));
  });
}

await operator.start();
log.info('careen is running');
