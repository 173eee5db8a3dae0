/** `careen explain`. */
import type { KubernetesObject, V1Node } from '@kubernetes/client-node';
import type { Command } from 'commander';
import { API_VERSION } from '../../crds/names.ts';
import { call, rawList, rawPages } from '../../kube/client.ts';
import { POOLS, POOLS_PATH } from '../../resources/paths.ts';
import { hostPool, type HostPool } from '../../resources/stored-pool.ts';
import { asking, isAbsent } from '../cluster/asking.ts';
import { connect, type ClusterOptions, type Connection } from '../cluster/connection.ts';
import { listStrategies, type Located } from '../cluster/strategies.ts';
import { withAllStages } from '../cluster/whole-plan.ts';
import { CommandError } from '../command-error.ts';
import { hostReport, unknownHosts } from '../explain/host-report.ts';
import { hostText } from '../explain/host-text.ts';
import type { Io } from '../io.ts';
import { rendered, type Format } from '../text/format.ts';
import { styledLines } from '../text/lines.ts';
import { nearestFirst } from '../text/nearest.ts';
import { hostNamed } from './ask-for-host.ts';
import { exitCodesHelp, formatOption, GROUPS } from './command.ts';

type ExplainOptions = ClusterOptions & { readonly output: Format };

export function addExplain(program: Command, io: Io): void {
  program
    .command('explain')
    .helpGroup(GROUPS.look)
    .description('say of a host why it is cordoned, by whom, since when, and what ends that')
    .argument('<host>', 'the host: NAME or node/NAME')
    .addOption(formatOption())
    .addHelpText('after', exitCodesHelp())
    .action(async (host: string, _own: unknown, command: Command) => {
      const options = command.optsWithGlobals<ExplainOptions>();
      await explainHost(hostNamed(host), options, io);
    });
}

async function explainHost(host: string, options: ExplainOptions, io: Io): Promise<void> {
  const connection = connect(options, io.environment);
  const reading = poolsIn(connection);
  const [node, pools, strategies] = await Promise.all([
    nodeNamed(connection, host, reading),
    reading,
    strategiesIn(connection, io),
  ]);
  const report = hostReport({ node, pools, strategies }, { program: io.name, context: options.context });
  const now = Date.now();
  const document = { apiVersion: API_VERSION, kind: 'HostReport', ...report };
  io.out(rendered(document, options.output, () => styledLines(hostText(report, now, io.width))));
}

async function nodeNamed(
  connection: Connection,
  host: string,
  pools: Promise<readonly HostPool[]>,
): Promise<V1Node> {
  const path = `/api/v1/nodes/${host}`;
  try {
    return await asking(connection, { verb: 'get', resource: 'nodes' }, () =>
      call<V1Node>(connection.config, { method: 'GET', path }),
    );
  } catch (error) {
    if (!(error instanceof CommandError) || !isAbsent(error.cause)) throw error;
    const names = await hostNames(connection);
    const others = names.length > 0 ? `; it has ${nearestFirst(names, host).join(', ')}` : '';
    const elsewhere = unknownHosts(await pools);
    throw new CommandError(`the cluster has no host ${host}${others}${elsewhere}`, { cause: error });
  }
}

/** The names of all nodes, to name the nearest ones. */
async function hostNames({ config }: Connection): Promise<readonly string[]> {
  const names: string[] = [];
  const pages = rawPages<KubernetesObject>(config, '/api/v1/nodes', {}, undefined, 'metadata');
  for await (const { items } of pages) names.push(...items.map(({ metadata }) => metadata?.name ?? ''));
  return names;
}

async function poolsIn(connection: Connection): Promise<readonly HostPool[]> {
  const objects = await asking(connection, { verb: 'list', resource: POOLS }, () =>
    rawList<KubernetesObject>(connection.config, POOLS_PATH, {}),
  );
  return objects.flatMap((object) => hostPool.safeParse(object).data ?? []);
}

/** The strategies say how far their work on the host is; a claim alone says enough without them. */
async function strategiesIn(connection: Connection, io: Io): Promise<readonly Located[] | undefined> {
  try {
    const all = await listStrategies(connection, undefined);
    return await Promise.all(all.map((located) => withAllStages(connection, located, io.note)));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    io.note(`the strategies cannot be read: ${error.message}`);
    return undefined;
  }
}
