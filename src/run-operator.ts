/**
 * The operator: builds the parts, wires them. It fills its caches before it leads, and writes only while it leads. It
 * owns its process, which ends with it.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { CareenOperator } from './controllers/runtime/careen-operator.ts';
import { operatorMetrics } from './controllers/runtime/operator-metrics.ts';
import { loadWorkflows } from './controllers/session/load-workflows.ts';
import { settingsIn, type RepliesSettings, type Settings } from './controllers/runtime/settings.ts';
import { leaderIdentity } from './crds/leader-identity.ts';
import { LEASE_NAME, OPERATOR_NAMESPACE } from './crds/names.ts';
import { startReplyServer, type ReplyServer } from './gateway/replies.ts';
import { HostJobs } from './hostops/jobs/host-jobs.ts';
import { KubernetesHostOps } from './hostops/kubernetes/kubernetes-host-ops.ts';
import { OpenStackHostOps } from './hostops/openstack/openstack-host-ops.ts';
import { ProvidersHostOps } from './hostops/providers-host-ops.ts';
import { download } from './http/download.ts';
import { call, type PooledKubeConfig } from './kube/client.ts';
import { LeaderElection } from './leadership/leader-election.ts';
import type { Leadership } from './leadership/leadership.ts';
import { ServedKinds } from './resources/served-kinds.ts';
import { startEndpoints } from './telemetry/endpoints.ts';
import { EventRecorder } from './telemetry/events.ts';
import type { Logger } from './telemetry/logger.ts';
import { replyLinks } from './tenants/reply-links.ts';

/**
 * Both keep a hand-over within a second. The API server refuses writes that come later, or the next leader repeats the
 * work.
 */
const FINISH_MILLISECONDS = 500;
const FLUSH_MILLISECONDS = 300;

export type OperatorProcess = {
  /** See main.ts. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** The address of probes and metrics. */
  readonly host: string;
  /** Makes a client for the cluster. */
  readonly newClient: () => PooledKubeConfig;
};

/** Resolves when the operator works; it then runs until a signal or the loss of its Lease ends the process. */
export async function runOperator({ environment, log, host, newClient }: OperatorProcess): Promise<void> {
  const namespace = environment['POD_NAMESPACE'] || OPERATOR_NAMESPACE;
  const instance = environment['POD_NAME'] || hostname();
  const settings = readSettings(environment, log);
  const folder = environment['CAREEN_WORKFLOWS'];
  const clock = (): number => Date.now();
  const monotonic = (): number => performance.now();
  const metrics = operatorMetrics(clock);

  /** Writes only the Lease, which decides who may write everything else. */
  const electing = newClient();
  const config = newClient();
  for (const each of [electing, config]) {
    each.onAnswer = (verb, answer, path) => {
      const code = answer === 'error' ? undefined : answer;
      metrics.apiRequest(verb, code);
      if (path.endsWith('/eviction')) metrics.evictionAsked(code);
    };
  }
  log.info({ server: config.getCurrentCluster()?.server, proxy: config.proxy?.host }, 'the API server');
  let leadership: Leadership | undefined;
  let leadsSince = Infinity;
  config.beforeWrite = () => {
    if (!leadership) throw new Error('this process does not lead: it writes nothing');
    leadership.assertValid();
  };

  const jobs = new HostJobs({ config, now: clock, log });
  const nodes = new KubernetesHostOps(config, log, clock, namespace, jobs);
  const openstack = new OpenStackHostOps({ config, namespace, jobs, now: clock, log });
  const hosts = new ProvidersHostOps({ kubernetes: nodes, openstack });
  const kinds = new ServedKinds({ config, log, clock });
  const events = new EventRecorder({
    send: async (method, path, body) => {
      await call(config, { method, path, query: { fieldManager: 'careen' }, body });
    },
    log,
    instance,
    clock,
  });
  const endpoints = await startEndpoints({
    host,
    port: settings.port,
    ready: () => (nodes.isReady ? undefined : 'the nodes are not known yet'),
    metrics,
    clock: monotonic,
  });
  log.info({ address: endpoints.address }, 'probes and metrics are served');

  const election = new LeaderElection({
    config: electing,
    namespace,
    name: LEASE_NAME,
    identity: leaderIdentity(instance, randomUUID()),
    leaseSeconds: settings.leaseSeconds,
    monotonic,
    log,
  });
  const deposed = (error: unknown): void => {
    log.fatal({ err: error }, 'no longer leading: this process ends at once');
    process.exit(1);
  };
  const operator = new CareenOperator({
    ...{ config, hosts, kinds, log, clock, events, metrics, deposed },
    newId: randomUUID,
    operatorNamespace: namespace,
    replyLinks: settings.replies && replyLinks(settings.replies.url, settings.replies.key),
    activeHost: environment['NODE_NAME'] || undefined,
    lead: { since: () => leadsSince, handOver: () => end('handing over the lead') },
    resyncSeconds: settings.resyncSeconds,
    fetchFile: download,
    workflows: folder ? await loadWorkflows(folder, log) : undefined,
  });

  let replyServer: ReplyServer | undefined;
  /** Only the leader takes answers: it decides about them. */
  const startReplies = async ({ port, key }: RepliesSettings): Promise<ReplyServer> => {
    const failed = (error: unknown): void => log.error({ err: error }, 'an answer could not be taken');
    const server = await startReplyServer({ host, port, key, sessions: operator.replies, failed });
    log.info({ address: server.address }, 'answers of projects are taken');
    return server;
  };

  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(1);
      end('stopping', signal);
    });
  }

  /** Another replica takes over; this container is started again, and stands by. */
  function end(why: string, signal?: string): void {
    if (stopping.signal.aborted) return;
    log.info({ signal }, why);
    stopping.abort();
    void stop().then(() => process.exit(0));
  }

  /** Releases the Lease once the passes have ended or their time is over; `beforeWrite` refuses their later writes. */
  async function stop(): Promise<void> {
    await Promise.race([operator.close(), delay(FINISH_MILLISECONDS)]);
    await events.flush(FLUSH_MILLISECONDS);
    metrics.leading(false);
    await election.stop();
    await nodes.stop();
    openstack.stop();
    kinds.stop();
    await replyServer?.close();
    await endpoints.close();
  }

  await Promise.all([nodes.start(), kinds.start()]);
  if (kinds.outdated)
    log.error({ problem: kinds.outdated.message }, 'no pass is made: the CRDs are outdated');
  try {
    leadership = await election.lead(stopping.signal);
    leadership.lost.addEventListener('abort', () => deposed(leadership?.lost.reason));
    leadsSince = clock();
    metrics.leading(true);
    await operator.start();
    replyServer = settings.replies && (await startReplies(settings.replies));
    log.info({ instance }, 'careen is running');
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  }
}

function readSettings(environment: OperatorProcess['environment'], log: Logger): Settings {
  try {
    return settingsIn(environment);
  } catch (error) {
    log.fatal({ err: error }, 'the operator does not start: its settings cannot work');
    process.exit(1);
  }
}
