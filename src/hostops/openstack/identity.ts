/** Reads the credentials of a cloud from the Secret that a pool names, in the operator's own namespace. */
import { call, type Client } from '../../kube/client.ts';
import { explain, httpStatus } from '../../kube/errors.ts';
import { cloudIn } from '../../openstack/clouds-yaml.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { OpenStackProvider } from './provider.ts';

const CLOUDS = 'clouds.yaml';
const CA = 'cacert';

type Secret = {
  readonly metadata: { readonly resourceVersion?: string };
  readonly data?: Readonly<Record<string, string>>;
};

/** Throws an Error that names the Secret and what is needed. Its cause is the error of the request. */
export async function readSecret(
  config: Client,
  namespace: string,
  provider: OpenStackProvider,
  signal: AbortSignal,
): Promise<Secret> {
  const path = `/api/v1/namespaces/${namespace}/secrets/${provider.identityRef.name}`;
  return call<Secret>(config, { method: 'GET', path }, signal).catch((error: unknown) => {
    throw new Error(`${nameOf(namespace, provider)} ${unreadable(error)}`, { cause: error });
  });
}

/** Throws an Error that names the Secret, what is wrong with it, and what is needed. */
export function cloudFrom(secret: Secret, namespace: string, provider: OpenStackProvider): Cloud {
  const where = nameOf(namespace, provider);
  const { identityRef, region } = provider;
  const text = decoded(secret, CLOUDS);
  if (text === undefined) throw new Error(`${where} has no key ${CLOUDS}: put a clouds.yaml into it`);
  const caText = decoded(secret, CA);
  try {
    const cloud = cloudIn(text, identityRef.cloudName, caText === undefined ? {} : { caText });
    return region === undefined ? cloud : { ...cloud, region };
  } catch (error) {
    throw new Error(`${where}: ${explain(error)}`);
  }
}

function nameOf(namespace: string, { identityRef: { name } }: OpenStackProvider): string {
  return `Secret ${namespace}/${name} (spec.provider.openstack.identityRef)`;
}

function unreadable(error: unknown): string {
  switch (httpStatus(error)) {
    case 404:
      return 'does not exist: make it, with a clouds.yaml';
    case 403:
      return 'may not be read by Careen: name it in the value openstack.secretNames of the chart';
    default:
      return `cannot be read: ${explain(error)}`;
  }
}

function decoded({ data = {} }: Secret, key: string): string | undefined {
  const value = data[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}
