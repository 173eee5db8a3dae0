/** The cluster of a command: which one, as whom, in which namespace. As kubectl chooses it. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { namespaceName } from '../../crds/schema/schema.ts';
import { PooledKubeConfig } from '../../kube/client.ts';
import { explain } from '../../kube/errors.ts';
import { CommandError } from '../command-error.ts';

/** The options that every command with a cluster takes. */
export type ClusterOptions = {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
};

export type Connection = {
  readonly config: PooledKubeConfig;
  readonly context: string;
  /** The address of the API server. */
  readonly server: string;
  /** The namespace of the options, else of the context, else `default`. */
  readonly namespace: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** The context that the client library makes up when it finds no kubeconfig. */
const WITHOUT_KUBECONFIG = 'loaded-context';

/**
 * Chooses the cluster; sends nothing. A connection for reading refuses every write.
 * @throws CommandError when there is no kubeconfig, or it does not have what the options name
 */
export function connect(
  options: ClusterOptions,
  environment: Environment,
  purpose: 'reading' | 'writing' = 'reading',
): Connection {
  const config = load(options, environment);
  if (purpose === 'reading')
    config.beforeWrite = () => {
      throw new Error('this command changes nothing');
    };
  const context = chosenContext(config, options.context);
  config.setCurrentContext(context);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined)
    throw new CommandError(
      `context ${context} of the kubeconfig names a cluster that is not in it: correct it, or choose another with --context`,
    );
  return { config, context, server, namespace: chosenNamespace(config, options.namespace) };
}

/** The names of the contexts. Throws CommandError when there is no kubeconfig. */
export function kubeconfigContexts(options: ClusterOptions, environment: Environment): readonly string[] {
  return load(options, environment)
    .getContexts()
    .map(({ name }) => name);
}

function load(options: ClusterOptions, environment: Environment): PooledKubeConfig {
  const named = namedFiles(options, environment);
  const standard = join(environment['HOME'] ?? homedir(), '.kube', 'config');
  const config = new PooledKubeConfig();
  if (named.length > 0) loadFiles(config, named);
  else if (existsSync(standard)) loadFiles(config, [standard]);
  else config.loadFromDefault();
  if (config.getCurrentContext() === WITHOUT_KUBECONFIG && named.length === 0)
    throw new CommandError(`no kubeconfig: ${standard} does not exist; create it, or ${NAME_ANOTHER}`);
  if (config.getContexts().length === 0)
    throw new CommandError(`no kubeconfig: ${named.join(', ') || standard} has no context; ${NAME_ANOTHER}`);
  return config;
}

const NAME_ANOTHER = 'name another file by KUBECONFIG or --kubeconfig';

function namedFiles({ kubeconfig }: ClusterOptions, { KUBECONFIG = '' }: Environment): readonly string[] {
  return kubeconfig === undefined ? KUBECONFIG.split(delimiter).filter(Boolean) : [kubeconfig];
}

/** Of entries with the same name the first counts, and a file of KUBECONFIG that does not exist is left out. */
function loadFiles(config: PooledKubeConfig, named: readonly string[]): void {
  const files = named.filter((file) => existsSync(file));
  if (files.length === 0)
    throw new CommandError(`no kubeconfig: there is no file ${named.join(', ')}; ${NAME_ANOTHER}`);
  const all = files.map((file) => fileConfig(file));
  config.loadFromOptions({
    clusters: firstOfEach(all.flatMap(({ clusters }) => clusters)),
    users: firstOfEach(all.flatMap(({ users }) => users)),
    contexts: firstOfEach(all.flatMap(({ contexts }) => contexts)),
    currentContext: all.map((each) => each.getCurrentContext()).find(Boolean),
  });
}

function fileConfig(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    // The library does not read an empty file.
    if (readFileSync(file, 'utf8').trim() !== '') config.loadFromFile(file);
    else config.loadFromOptions({ clusters: [], users: [], contexts: [], currentContext: '' });
    return config;
  } catch (error) {
    throw new CommandError(`the kubeconfig ${file} cannot be read: ${explain(error)}`, { cause: error });
  }
}

function firstOfEach<T extends { readonly name: string }>(entries: readonly T[]): T[] {
  return entries.filter(({ name }, at) => entries.findIndex((each) => each.name === name) === at);
}

function chosenContext(config: KubeConfig, wanted: string | undefined): string {
  const known = config.getContexts().map(({ name }) => name);
  // The library promises a text, but an unset current-context is undefined.
  const context: string | undefined = wanted ?? config.getCurrentContext();
  if (!context)
    throw new CommandError(
      `the kubeconfig has no current-context: choose one with --context; it has ${known.join(', ')}`,
    );
  if (!known.includes(context))
    throw new CommandError(`the kubeconfig has no context ${context}; it has ${known.join(', ')}`);
  return context;
}

function chosenNamespace(config: KubeConfig, wanted: string | undefined): string {
  if (wanted !== undefined && !namespaceName().safeParse(wanted).success)
    throw new CommandError(
      `--namespace ${wanted}: no namespace can have this name: lower-case letters, digits and "-"`,
    );
  return wanted ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
}
