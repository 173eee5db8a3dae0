/**
 * A real OpenStack for one test file: Keystone, Placement, Glance, Neutron and
 * Nova on loopback ports of their own, with simulated hypervisors.
 * test/openstack/README.md says what it can do.
 */
import { z } from 'zod';
import { EventProcess } from '../event-process.ts';
import { installOpenStack, PYTHON, UP } from './installation.ts';

const API_SERVICES = ['keystone', 'placement', 'glance', 'neutron', 'nova'] as const;
export type ApiService = (typeof API_SERVICES)[number];
type Service = ApiService | 'mariadb';

const idSchema = z.string().min(1);
const readySchema = z
  .object({
    auth_url: z.url(),
    region: z.string(),
    username: z.string(),
    password: z.string(),
    project_name: z.string(),
    user_domain_id: z.string(),
    project_domain_id: z.string(),
    endpoints: z.record(z.enum(API_SERVICES), z.url()),
    flavors: z.object({ tiny: idSchema, small: idSchema, large: idSchema }),
    image: idSchema,
    hosts: z.array(z.string()),
    dir: z.string(),
    pids: z.record(z.enum([...API_SERVICES, 'mariadb']), z.number()),
  })
  .transform((ready) => ({
    credentials: {
      authUrl: ready.auth_url,
      region: ready.region,
      username: ready.username,
      password: ready.password,
      projectName: ready.project_name,
      userDomainId: ready.user_domain_id,
      projectDomainId: ready.project_domain_id,
    },
    endpoints: ready.endpoints,
    flavors: ready.flavors,
    image: ready.image,
    hosts: ready.hosts,
    dir: ready.dir,
    pids: ready.pids,
  }));

type Ready = z.infer<typeof readySchema>;

/** A command of the testbed, such as `power-off compute-0` or `kill nova`. */
export type OpenStackCommand =
  `${'kill' | 'start' | 'pause' | 'resume'} ${Service}` | `${'power-off' | 'power-on'} ${string}`;

export type OpenStack = {
  /** Those of the administrator. The ordinary users `demo` and `service` have the same password. */
  readonly credentials: Readonly<Ready['credentials']>;
  /** The URL of each API, as it is in the catalog. */
  readonly endpoints: Readonly<Record<ApiService, string>>;
  /** The ids of the flavors. */
  readonly flavors: Readonly<Ready['flavors']>;
  /** The id of an image that any server can boot from. */
  readonly image: string;
  /** The names of the compute hosts. */
  readonly hosts: readonly string[];
  /** The state folder; its `logs/` has one file per service. It goes at the end. */
  readonly dir: string;
  /** The processes as they were at the start: a service that was killed and started has another. */
  readonly pids: Readonly<Record<Service, number>>;
  /**
   * Kills, starts, pauses or resumes a service, or switches a compute host off
   * or on. Resolves when that is done. A started service may not yet serve: ask
   * it. Nova shows a host without power as down after 10 seconds.
   */
  command(line: OpenStackCommand): Promise<void>;
  /** Ends all services. Safe to call twice. */
  stop(): Promise<void>;
};

export type OpenStackOptions = {
  /** How many compute hosts there are: `compute-0` and on. 3 by default. */
  readonly hosts?: number;
  /** Further variables for the services, such as `OS_TOKEN__EXPIRATION`: oslo.config reads its options from them. */
  readonly environment?: Readonly<Record<string, string>>;
};

/** Starts an OpenStack and waits until all its services serve. Several can run side by side. */
export async function startOpenStack(options: OpenStackOptions = {}): Promise<OpenStack> {
  const { hosts = 3, environment = {} } = options;
  await installOpenStack();
  const child = new EventProcess(PYTHON, [UP, '--hosts', String(hosts)], { ...process.env, ...environment });
  try {
    const ready = readySchema.parse(await child.event(({ event }) => event === 'ready'));
    return { ...ready, command: (line) => command(child, line), stop: () => child.stop() };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

async function command(child: EventProcess, line: OpenStackCommand): Promise<void> {
  const answer = child.event(
    (event) => (event.event === 'done' || event.event === 'error') && event['command'] === line,
  );
  child.send(line);
  const event = await answer;
  if (event.event === 'error')
    throw new Error(`the OpenStack testbed refused "${line}": ${String(event['message'])}`);
}
