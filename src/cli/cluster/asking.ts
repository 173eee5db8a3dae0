/** Requests to the API server on behalf of a person: each failure says what was tried, and what to do. */
import { apiStatus, explain, httpStatus } from '../../kube/errors.ts';
import { refusalOf } from '../../kube/refusals.ts';
import { missingKind } from '../../resources/outdated-kind-error.ts';
import { CommandError } from '../command-error.ts';
import type { Connection } from './connection.ts';
import { STRATEGY_KINDS } from './kinds.ts';

/** A request in the words of RBAC. */
export type Ask = {
  readonly verb: 'get' | 'list' | 'watch' | 'patch' | 'create' | 'delete';
  /** The plural of the kind, such as `patchstrategies`. */
  readonly resource: string;
  /** Undefined for a kind without namespaces, and for all namespaces. */
  readonly namespace?: string | undefined;
  /** Further advice for when the cluster cannot be reached, such as `plan from a file with --fleet`. */
  readonly instead?: string;
};

/** Makes a request. Throws CommandError, with the error as its cause. */
export async function asking<T>(connection: Connection, ask: Ask, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw new CommandError(trouble(connection, ask, error), { cause: error });
  }
}

/** Whether the server says that the object of this name does not exist, and not that its kind does not. */
export function isAbsent(error: unknown): boolean {
  return httpStatus(error) === 404 && !isKindMissing(error);
}

/** Whether a request was refused because the caller lacks the right to it. */
export function isRightMissing(error: unknown): boolean {
  return refusalOf(error)?.by === 'rights';
}

/** The server answers the path of an unknown kind without a Status object. */
function isKindMissing(error: unknown): boolean {
  return httpStatus(error) === 404 && apiStatus(error).reason === undefined;
}

/** What went wrong, and what to do about it. */
export function trouble(connection: Connection, ask: Ask, error: unknown): string {
  const { server, context } = connection;
  const where = `${server} (context ${context})`;
  const status = httpStatus(error);
  if (status === undefined)
    return (
      `${where} does not answer: ${explain(error)}; choose another cluster with --context or KUBECONFIG` +
      (ask.instead === undefined ? '' : `, or ${ask.instead}`)
    );
  if (status === 401)
    return `${where} does not accept the credentials of the kubeconfig: log in again, or choose another context with --context`;
  if (isKindMissing(error)) return `${notInstalled(ask.resource)} (${where})`;
  if (isRightMissing(error)) return missingRight(connection, ask, explain(error));
  return `${where} refuses to ${ask.verb} ${ask.resource}: ${explain(error)}`;
}

function notInstalled(plural: string): string {
  return `${missingKind(plural)}: install Careen (docs/guides/install.md), or choose another cluster with --context`;
}

/** Says which right is missing, and which role of the installation has it. */
function missingRight({ context }: Connection, ask: Ask, said: string): string {
  const { verb, resource, namespace } = ask;
  const place = namespace === undefined ? 'in the whole cluster' : `in namespace ${namespace}`;
  const lacks = `context ${context} has no right to ${verb} ${resource} ${place}`;
  const role = roleFor(ask);
  if (role === undefined) return `${lacks}: ask an administrator for it (${said})`;
  const bind =
    namespace === undefined
      ? `kubectl create clusterrolebinding NAME --clusterrole=${role}`
      : `kubectl -n ${namespace} create rolebinding NAME --clusterrole=${role}`;
  return `${lacks}: the ClusterRole ${role} has it; an administrator binds it by ${bind} ${subjectIn(said)}`;
}

/** The role of deploy/base/rbac/people.yaml that has a right. */
function roleFor({ verb, resource }: Ask): string | undefined {
  if (resource === 'hostpools') return isReading(verb) ? 'careen-viewer' : undefined;
  if (!STRATEGY_KINDS.some(({ definition }) => definition.plural === resource)) return undefined;
  return isReading(verb) ? 'careen-viewer' : 'careen-approver';
}

function isReading(verb: Ask['verb']): boolean {
  return verb === 'get' || verb === 'list' || verb === 'watch';
}

/** The subject of a binding, as an option of kubectl, from the words of the server. */
function subjectIn(said: string): string {
  const user = / User "([^"]+)" cannot /.exec(said)?.[1];
  if (user === undefined) return '--user=NAME';
  const [, , account] = /^(system:serviceaccount:)(.+)$/.exec(user) ?? [];
  return account === undefined ? `--user=${user}` : `--serviceaccount=${account}`;
}
