/** Keeps what is tested apart in one cloud: servers that can run on some of its hosts only. */
import type { Admin } from './admin.ts';

const TINY = { vcpus: 1, ramMebibytes: 128, diskGibibytes: 1 };

export type Enclosure = {
  /** The id of a flavor whose servers run on these hosts only. */
  readonly flavor: string;
  /** Lets its servers run on a further host. */
  readonly addHost: (host: string) => Promise<void>;
};

/** @param size is that of the flavor; hosts have 64 processors, 256 GiB of memory and 4 TiB of disk */
export async function enclose(
  admin: Admin,
  name: string,
  hosts: readonly string[],
  size: Parameters<Admin['createFlavor']>[1] = TINY,
): Promise<Enclosure> {
  const key = `only-${name}`;
  const aggregate = await admin.createAggregate(key, hosts, { [key]: 'yes' });
  const flavor = await admin.createFlavor(key, size, { [`aggregate_instance_extra_specs:${key}`]: 'yes' });
  return {
    flavor,
    addHost: async (host) => {
      await admin.post(`/os-aggregates/${aggregate}/action`, { add_host: { host } });
    },
  };
}
