/** Whether the kinds in the cluster are those of this version. */
import { call } from '../../kube/client.ts';
import { crdName, withRemedy } from '../../resources/outdated-kind-error.ts';
import { OUR_KINDS, problemOfKind } from '../../resources/served-kinds.ts';
import { CommandError } from '../command-error.ts';
import { asking, isAbsent } from './asking.ts';
import type { Connection } from './connection.ts';

/** What is known of the CRD of one kind. */
export type InstalledKind = {
  readonly plural: string;
  /** Why this version cannot work with it: older, or missing. Undefined when it can, or when it cannot be read. */
  readonly problem?: string;
  /** Why it cannot be read. People need no right to that. */
  readonly unknown?: string;
};

/** Compares each CRD of ours in the cluster with the one of this version. Never throws CommandError. */
export async function installedKinds(connection: Connection): Promise<readonly InstalledKind[]> {
  return Promise.all(
    OUR_KINDS.map(async (definition) => {
      const { plural } = definition;
      try {
        const problem = problemOfKind(definition, await crdIn(connection, plural));
        return problem === undefined ? { plural } : { plural, problem };
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        return { plural, unknown: error.message };
      }
    }),
  );
}

/** What is wrong with the kinds in the cluster, with the remedy; undefined when nothing is, or it is not known. */
export async function kindsTrouble(connection: Connection): Promise<string | undefined> {
  const problems = (await installedKinds(connection)).flatMap(({ problem }) => problem ?? []);
  return problems.length > 0 ? withRemedy(problems) : undefined;
}

async function crdIn({ config, ...rest }: Connection, plural: string): Promise<unknown> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crdName(plural)}`;
  const ask = { verb: 'get', resource: 'customresourcedefinitions' } as const;
  try {
    return await asking({ config, ...rest }, ask, () => call<unknown>(config, { method: 'GET', path }));
  } catch (error) {
    if (error instanceof CommandError && isAbsent(error.cause)) return undefined;
    throw error;
  }
}
