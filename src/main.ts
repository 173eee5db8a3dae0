/**
 * The operator's process in a cluster. Its environment:
 *
 *   KUBECONFIG             the cluster; the default is that of the pod
 *   POD_NAME, POD_NAMESPACE  the name and namespace of this process (host name, careen-system)
 *   NODE_NAME              the node of this process, the last controller to be patched; unset if it runs on none
 *   CAREEN_PORT            probes and metrics (8080; 0 takes any free port)
 *   CAREEN_REPLIES_URL     where projects answer by HTTP; without it they cannot
 *   CAREEN_REPLIES_PORT    the port of that (8082)
 *   CAREEN_REPLIES_KEY     makes its addresses impossible to guess: 32 random bytes or more, from a Secret
 *   CAREEN_LEASE_SECONDS   how long a standby waits for a silent leader (15; 3 to 600)
 *   CAREEN_RESYNC_SECONDS  how often every pool and strategy is reconciled, even without a change (30; 1 to 3600)
 *   CAREEN_WORKFLOWS       a folder with workflows of sessions, NAME.mjs; unset: those of Careen only
 *   LOG_LEVEL              trace, debug, info, warn, error (info)
 */
import { PooledKubeConfig } from './kube/client.ts';
import { runOperator } from './run-operator.ts';
import { makeLogger } from './telemetry/logger.ts';

await runOperator({
  environment: process.env,
  log: makeLogger({ level: process.env['LOG_LEVEL'] || 'info' }),
  host: '0.0.0.0',
  newClient: () => {
    const config = new PooledKubeConfig();
    config.loadFromDefault();
    return config;
  },
});
