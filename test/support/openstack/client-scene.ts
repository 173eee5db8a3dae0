/** Careen's client beside an administrator of a real cloud. */
import { Compute } from '../../../src/openstack/compute.ts';
import type { Migration } from '../../../src/openstack/compute-answers.ts';
import { OpenStackSession } from '../../../src/openstack/session.ts';
import { networkTransport, type Transport } from '../../../src/openstack/transport.ts';
import { eventually } from '../eventually.ts';
import { Admin, NOVA_PAUSE, type BootOptions } from './admin.ts';
import { cloudOf } from './cloud-of.ts';
import { startOpenStack, type OpenStack } from './openstack.ts';

/** The first start on a machine installs OpenStack. */
export const INSTALLATION_MS = 600_000;

export type ClientScene = {
  readonly openStack: OpenStack;
  readonly admin: Admin;
  readonly transport: Transport;
  /** The session of the administrator's `clouds.yaml`. */
  readonly session: OpenStackSession;
  readonly compute: Compute;
  /** Boots a server; returns its id. */
  readonly boot: (name: string, options?: BootOptions) => Promise<string>;
  /** The latest migration of a server, as soon as it has this status. */
  readonly migrationIn: (server: string, status: string) => Promise<Migration>;
  readonly stop: () => Promise<void>;
};

export async function startClientScene(): Promise<ClientScene> {
  const openStack = await startOpenStack();
  const { transport, close } = networkTransport({ caText: undefined, verify: true });
  const stop = async (): Promise<void> => {
    await close();
    await openStack.stop();
  };
  try {
    const admin = await Admin.logIn(openStack);
    await admin.raiseQuota();
    const session = new OpenStackSession(cloudOf(openStack), transport);
    const compute = new Compute(session);
    return {
      ...{ openStack, admin, transport, session, compute, stop },
      boot: async (name, options) => (await admin.bootServer(name, options)).id,
      migrationIn: async (server, status) =>
        eventually(
          `a migration is ${status}`,
          async () => {
            const [latest] = await compute.migrations({ server }, new AbortController().signal);
            return latest?.status === status && latest;
          },
          NOVA_PAUSE,
        ),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
