/** The proxy through which a kubeconfig reaches its API server. */
import type { Cluster } from '@kubernetes/client-node';

const SCHEMES = ['http:', 'https:', 'socks5:', 'socks5h:'];

/** The proxy of a cluster; undefined without one. Throws when `proxy-url` is none that can be used. */
export function proxyOf({ name, proxyUrl }: Pick<Cluster, 'name' | 'proxyUrl'>): URL | undefined {
  if (!proxyUrl) return undefined;
  const url = URL.parse(proxyUrl);
  if (url && SCHEMES.includes(url.protocol) && url.hostname !== '') return url;
  const withoutUser = proxyUrl.replace(/[^/]*@/, '…@');
  throw new Error(
    `the kubeconfig has proxy-url "${withoutUser}" for cluster ${name}: ` +
      'give http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT',
  );
}
