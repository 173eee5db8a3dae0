/** The versions of everything that must fit together. */
import { z } from 'zod';
import { API_VERSION, DEPLOYMENT_NAME, OPERATOR_NAMESPACE } from '../../crds/names.ts';
import { VERSION } from '../../crds/version.ts';
import { call } from '../../kube/client.ts';
import { CommandError } from '../command-error.ts';
import { asking, isAbsent, type Ask } from './asking.ts';
import type { Connection } from './connection.ts';
import { installedKinds, type InstalledKind } from './installed-kinds.ts';
import { readLeader } from './leader.ts';

/** The output of `careen version -o yaml` and `-o json`: docs/reference/cli.md. */
export type Versions = {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Versions';
  readonly client: { readonly version: string };
  /** `unknown` says why something is not known. */
  readonly operator?: {
    /** The pod or the machine that leads. */
    readonly leader?: string;
    readonly image?: string;
    readonly unknown?: string;
  };
  readonly kinds?: readonly InstalledKind[];
  readonly server?: { readonly version?: string; readonly unknown?: string };
};

export function clientVersions(): Versions {
  return { apiVersion: API_VERSION, kind: 'Versions', client: { version: VERSION } };
}

/** Reads as much as can be read; says what could not. Never throws CommandError. */
export async function allVersions(connection: Connection, now: number): Promise<Versions> {
  const server = await serverVersion(connection);
  if (server.unknown !== undefined) return { ...clientVersions(), server };
  const [operator, kinds] = await Promise.all([operatorVersion(connection, now), installedKinds(connection)]);
  return { ...clientVersions(), operator, kinds, server };
}

const gitVersion = z.object({ gitVersion: z.string() });
const container = z.object({ image: z.string() });
const podSpec = z.object({ containers: z.array(container).min(1) });
const pod = z.object({ spec: podSpec }).transform(({ spec }) => spec.containers[0]?.image);
const deployment = z
  .object({ spec: z.object({ template: z.object({ spec: podSpec }) }) })
  .transform(({ spec }) => spec.template.spec.containers[0]?.image);

async function serverVersion(connection: Connection): Promise<NonNullable<Versions['server']>> {
  const read = await reading(connection, { verb: 'get', resource: 'version' }, '/version', gitVersion);
  return 'unknown' in read ? read : { version: read.found.gitVersion };
}

/** The image of the pod that leads, or else of the Deployment. */
async function operatorVersion(
  connection: Connection,
  now: number,
): Promise<NonNullable<Versions['operator']>> {
  const leader = await readLeader(connection, now);
  const who = leader.kind === 'held' && leader.fresh ? { leader: leader.holder } : {};
  const namespace = OPERATOR_NAMESPACE;
  const core = `/api/v1/namespaces/${namespace}/pods`;
  if (who.leader !== undefined) {
    const ask = { verb: 'get', resource: 'pods', namespace } as const;
    const read = await reading(connection, ask, `${core}/${who.leader}`, pod);
    if ('found' in read && read.found !== undefined) return { ...who, image: read.found };
  }
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${DEPLOYMENT_NAME}`;
  const ask = { verb: 'get', resource: 'deployments', namespace } as const;
  const read = await reading(connection, ask, path, deployment);
  if ('unknown' in read) return { ...who, unknown: read.unknown };
  return { ...who, ...(read.found === undefined ? {} : { image: read.found }) };
}

async function reading<T>(
  connection: Connection,
  ask: Ask,
  path: string,
  schema: z.ZodType<T>,
): Promise<{ readonly found: T } | { readonly unknown: string }> {
  try {
    const answer = await asking(connection, ask, () =>
      call<unknown>(connection.config, { method: 'GET', path }),
    );
    return { found: schema.parse(answer) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return {
      unknown: isAbsent(error.cause) ? 'no pod of it, and no Deployment' : error.message,
    };
  }
}

/** The versions of operator and command line differ: one does not know all that the other writes. Pure. */
export function versionSkew({ client, operator }: Versions): string | undefined {
  const tag = /:v?(\d+\.\d+\.\d+)(?:@.*)?$/.exec(operator?.image ?? '')?.[1];
  if (tag === undefined || tag === client.version) return undefined;
  return `the operator is version ${tag}, and this command line ${client.version}: use the same, or some commands are refused`;
}
