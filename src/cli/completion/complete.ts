/** The words that may stand where the cursor is, for the shells. */
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Command } from 'commander';
import { call } from '../../kube/client.ts';
import { connect, kubeconfigContexts, type ClusterOptions } from '../cluster/connection.ts';
import { kindNamed } from '../cluster/kinds.ts';
import { listStrategies } from '../cluster/strategies.ts';
import type { Io } from '../io.ts';
import { optionsOf, situationOf, type Situation } from './situation.ts';

/** A word, and what it means. */
export type Candidate = readonly [word: string, meaning?: string];

/** What to do besides the words: the shell completes names of files, or nothing else. */
export type Completion = { readonly candidates: readonly Candidate[]; readonly files: boolean };

/** How long a person waits for a key. */
const LIMIT_MS = 2_000;
/** More names help nobody. */
const MOST = 500;

/** Never throws: a shell has no place for an error. */
export async function complete(program: Command, words: readonly string[], io: Io): Promise<Completion> {
  const situation = situationOf(program, words);
  const { promise: late, resolve } = Promise.withResolvers<Completion>();
  const timer = setTimeout(() => resolve(NOTHING), LIMIT_MS);
  try {
    const { candidates, files } = await Promise.race([candidatesIn(situation, io), late]);
    const fitting = candidates.filter(([word]) => word.startsWith(situation.current));
    return { candidates: fitting.slice(0, MOST), files };
  } catch {
    return NOTHING;
  } finally {
    clearTimeout(timer);
  }
}

/** As kubectl and the scripts read it: a word and its meaning a line; then 0 for names of files, 4 for nothing else. */
export function completionText({ candidates, files }: Completion): string {
  const lines = candidates.map(([word, meaning]) => (meaning === undefined ? word : `${word}\t${meaning}`));
  return [...lines, files ? ':0' : ':4', ''].join('\n');
}

const NOTHING: Completion = { candidates: [], files: false };
const FILES: Completion = { candidates: [], files: true };

async function candidatesIn(situation: Situation, io: Io): Promise<Completion> {
  const { command, current, option, argument } = situation;
  if (option) return valuesOf(option.name(), option.argChoices ?? [], situation, io);
  if (current.startsWith('-'))
    return words(
      optionsOf(command).map(({ long, short, description }) => [long ?? short ?? '', description]),
    );
  if (!command.parent) return words(visibleCommands(command));
  return argument ? valuesOf(argument.name(), argument.argChoices ?? [], situation, io) : NOTHING;
}

function visibleCommands(program: Command): Candidate[] {
  const visible = program.createHelp().visibleCommands(program);
  return visible.map((each) => [each.name(), each.description()]);
}

function words(candidates: readonly Candidate[]): Completion {
  return { candidates, files: false };
}

/** The values of an option or an argument, by its name. */
async function valuesOf(
  name: string,
  choices: readonly string[],
  { current, given }: Situation,
  io: Io,
): Promise<Completion> {
  if (choices.length > 0) return words(choices.map((each) => [each]));
  switch (name) {
    case 'filename':
    case 'fleet':
    case 'kubeconfig':
    case 'path':
      return FILES;
    case 'context':
      return words(kubeconfigContexts(given, io.environment).map((each) => [each]));
    case 'namespace':
      return words(await objectNames('/api/v1/namespaces', given, io));
    case 'strategy':
    case 'name':
      return words(await strategies(current, given, io));
    case 'host':
      return words(await objectNames('/api/v1/nodes', given, io));
    default:
      return NOTHING;
  }
}

async function strategies(current: string, options: ClusterOptions, io: Io): Promise<readonly Candidate[]> {
  const connection = connect(options, io.environment);
  const kind = current.includes('/') ? kindNamed(current.split('/')[0] ?? '') : undefined;
  const prefix = kind ? current.slice(0, current.indexOf('/') + 1) : '';
  const found = await listStrategies(connection, connection.namespace, kind ? [kind] : undefined);
  return found.map(({ strategy: { metadata, status } }) => [`${prefix}${metadata.name}`, status.state ?? '']);
}

async function objectNames(path: string, options: ClusterOptions, io: Io): Promise<readonly Candidate[]> {
  const { config } = connect(options, io.environment);
  const query = { limit: MOST };
  const request = { method: 'GET', path, query, as: 'metadata-list' } as const;
  const { items } = await call<{ readonly items: readonly KubernetesObject[] }>(config, request);
  return items.map(({ metadata }) => [metadata?.name ?? '']);
}
