/** The operator as src/main.ts starts it, except that it reads all lists in pages: the other side of a comparison. */
import { PooledKubeConfig } from '../../src/kube/client.ts';
import { runOperator } from '../../src/run-operator.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';

await runOperator({
  environment: process.env,
  log: makeLogger({ level: 'info' }),
  host: '127.0.0.1',
  newClient: () => {
    const config = new PooledKubeConfig();
    config.loadFromDefault();
    config.listsInPages = true;
    return config;
  },
});
