/**
 * The administrator's view of a test's OpenStack, independent of Careen's own
 * client: a test that judges Careen must not see the cloud with Careen's eyes.
 */
import { z } from 'zod';
import { eventually } from '../eventually.ts';
import type { ApiService, OpenStack } from './openstack.ts';

const TIMEOUT_SECONDS = 60;
/** How long a server may take to become what a test waits for: seconds, unless the machine is busy. */
const WAIT_SECONDS = 90;
/** Each answer takes a twentieth of a second of Nova's one process, which has the work of a whole cloud. */
export const NOVA_PAUSE = { pauseMilliseconds: 300 };
const BOOTS_AT_ONCE = 4;
/** With others beside it, on a busy machine. */
const SECONDS_OF_A_BOOT = 3;
const MANY = 10_000;
/** The versions of the two APIs that have them in a header. */
const VERSIONS: Readonly<Partial<Record<ApiService, string>>> = {
  nova: 'compute 2.96',
  placement: 'placement 1.39',
};

const idSchema = z.object({ id: z.union([z.string(), z.number()]).transform(String) });
const serverSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    status: z.string(),
    'OS-EXT-SRV-ATTR:host': z.string().nullish(),
    'OS-EXT-STS:task_state': z.string().nullable(),
    fault: z.object({ message: z.string() }).optional(),
  })
  .transform(({ id, name, status, fault, ...rest }) => ({
    ...{ id, name, status },
    /** Undefined until the scheduler has chosen one, and for whoever is no administrator. */
    host: rest['OS-EXT-SRV-ATTR:host'] ?? undefined,
    /** What Nova does with it right now. */
    task: rest['OS-EXT-STS:task_state'] ?? undefined,
    fault: fault?.message,
  }));
const serviceSchema = z
  .object({
    id: z.string(),
    host: z.string(),
    status: z.enum(['enabled', 'disabled']),
    state: z.enum(['up', 'down']),
    disabled_reason: z.string().nullable(),
    forced_down: z.boolean(),
  })
  .transform(({ disabled_reason, forced_down, ...rest }) => ({
    ...rest,
    disabledReason: disabled_reason ?? undefined,
    forcedDown: forced_down,
  }));

export type Server = z.infer<typeof serverSchema>;
export type ComputeService = z.infer<typeof serviceSchema>;

export type BootOptions = {
  /** Where it boots, past the scheduler's choice. */
  readonly host?: string;
  /** The availability zone, in which it then stays. */
  readonly zone?: string;
  /** The id of its flavor; tiny by default. */
  readonly flavor?: string;
  /** The id of a server group. */
  readonly group?: string;
  /** The keys `testbed:…` steer its migrations: test/openstack/README.md. */
  readonly metadata?: Readonly<Record<string, string>>;
};

export type NamedBoot = BootOptions & { readonly name: string };

export type CallOptions = {
  readonly body?: unknown;
  readonly service?: ApiService;
  /** How long to wait for the answer; 60 by default. */
  readonly seconds?: number;
};

/** An answer of an API that is no success. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly status: number;

  constructor(request: string, status: number, text: string) {
    super(`${request}: ${String(status)} ${text}`);
    this.status = status;
  }
}

/** An administrator with a token. Every path is one of Nova unless a call names another service. */
export class Admin {
  readonly #openStack: OpenStack;
  #token: string;
  /** The administrator's own project, in which its servers are. */
  readonly project: string;

  private constructor(openStack: OpenStack, token: string, project: string) {
    this.#openStack = openStack;
    this.#token = token;
    this.project = project;
  }

  static async logIn(openStack: OpenStack): Promise<Admin> {
    const { token, project } = await logIn(openStack);
    return new Admin(openStack, token, project);
  }

  async get(path: string, options: CallOptions = {}): Promise<unknown> {
    return this.#call('GET', path, options);
  }

  async post(path: string, body: unknown, options: CallOptions = {}): Promise<unknown> {
    return this.#call('POST', path, { ...options, body });
  }

  async put(path: string, body: unknown, options: CallOptions = {}): Promise<unknown> {
    return this.#call('PUT', path, { ...options, body });
  }

  async delete(path: string, options: CallOptions = {}): Promise<unknown> {
    return this.#call('DELETE', path, options);
  }

  /** Boots servers without networks, and waits until all run: cheaper for Nova than to wait for each. */
  async bootServers(wanted: readonly NamedBoot[]): Promise<readonly Server[]> {
    const left = [...wanted];
    const ids = new Set<string>();
    const askNext = async (): Promise<void> => {
      for (let next = left.shift(); next; next = left.shift())
        ids.add(await this.#askToBoot(next.name, next));
    };
    await Promise.all(Array.from({ length: BOOTS_AT_ONCE }, askNext));
    let last: readonly Server[] = [];
    const allRun = async (): Promise<readonly Server[] | false> => {
      last = (await this.servers()).filter(({ id }) => ids.has(id));
      return last.length === ids.size && last.every(hasBooted) && last;
    };
    const describe = (): unknown => last.filter(({ status }) => status !== 'ACTIVE');
    return eventually('all servers run', allRun, {
      ...{ pauseMilliseconds: 1_000, seconds: WAIT_SECONDS + wanted.length * SECONDS_OF_A_BOOT, describe },
    });
  }

  /** Boots a server without networks and waits until it runs. */
  async bootServer(name: string, options: BootOptions = {}): Promise<Server> {
    return this.serverWhere(await this.#askToBoot(name, options), `${name} runs`, hasBooted);
  }

  async #askToBoot(name: string, options: BootOptions): Promise<string> {
    const { image, flavors } = this.#openStack;
    const { host, zone, flavor = flavors.tiny, group, metadata = {} } = options;
    const server = {
      ...{ name, imageRef: image, flavorRef: flavor, networks: 'none', metadata },
      ...(host ? { host } : {}),
      ...(zone ? { availability_zone: zone } : {}),
    };
    const hints = group ? { 'os:scheduler_hints': { group } } : {};
    const answer = await this.post('/servers', { server, ...hints });
    return z.object({ server: idSchema }).parse(answer).server.id;
  }

  /** The server as it is now. */
  async server(id: string): Promise<Server> {
    return z.object({ server: serverSchema }).parse(await this.get(`/servers/${id}`)).server;
  }

  /** The server as soon as it fits. */
  async serverWhere(id: string, what: string, fits: (server: Server) => boolean): Promise<Server> {
    let last: Server | undefined;
    return eventually(
      what,
      async () => {
        last = await this.server(id);
        return fits(last) && last;
      },
      { ...NOVA_PAUSE, seconds: WAIT_SECONDS, describe: () => last },
    );
  }

  /** The servers of all projects on a host. */
  async serversOn(host: string): Promise<readonly Server[]> {
    const answer = await this.get(`/servers/detail?all_tenants=1&host=${encodeURIComponent(host)}`);
    return z.object({ servers: z.array(serverSchema) }).parse(answer).servers;
  }

  /** The servers of all projects. */
  async servers(): Promise<readonly Server[]> {
    const answer = await this.get('/servers/detail?all_tenants=1');
    return z.object({ servers: z.array(serverSchema) }).parse(answer).servers;
  }

  /** The compute services of all hosts, by the names of the hosts. */
  async computeServices(): Promise<readonly ComputeService[]> {
    const answer = await this.get('/os-services?binary=nova-compute');
    const { services } = z.object({ services: z.array(serviceSchema) }).parse(answer);
    return services.toSorted((a, b) => a.host.localeCompare(b.host));
  }

  /** The compute service of a host. */
  async serviceOf(host: string): Promise<ComputeService> {
    const service = (await this.computeServices()).find((each) => each.host === host);
    if (!service) throw new Error(`there is no compute service of ${host}`);
    return service;
  }

  /** Disables or enables the compute service of a host, as a person does. */
  async setEnabled(host: string, isEnabled: boolean, reason = 'a fan is broken'): Promise<void> {
    const { id } = await this.serviceOf(host);
    const change = isEnabled ? { status: 'enabled' } : { status: 'disabled', disabled_reason: reason };
    await this.put(`/os-services/${id}`, change);
  }

  /** Lets a project, the administrator's by default, have more servers than the hosts could carry. */
  async raiseQuota(project = this.project): Promise<void> {
    const quota = { instances: MANY, cores: MANY, ram: MANY * 1024, server_groups: MANY };
    await this.put(`/os-quota-sets/${project}`, { quota_set: { ...quota, server_group_members: MANY } });
  }

  /** Revokes all tokens of a user: a password that is set does, also when it is the same again. */
  async revokeTokens({ username, password } = this.#openStack.credentials): Promise<void> {
    const answer = await this.get(`/users?name=${username}`, { service: 'keystone' });
    const [user] = z.object({ users: z.array(idSchema) }).parse(answer).users;
    const body = { user: { password } };
    await this.#call('PATCH', `/users/${user?.id ?? ''}`, { service: 'keystone', body });
  }

  /** Makes a flavor; returns its id. */
  async createFlavor(
    name: string,
    size: { readonly vcpus: number; readonly ramMebibytes: number; readonly diskGibibytes: number },
    extraSpecs: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const { vcpus, ramMebibytes: ram, diskGibibytes: disk } = size;
    const answer = await this.post('/flavors', { flavor: { name, vcpus, ram, disk } });
    const { id } = z.object({ flavor: idSchema }).parse(answer).flavor;
    if (Object.keys(extraSpecs).length > 0)
      await this.post(`/flavors/${id}/os-extra_specs`, { extra_specs: extraSpecs });
    return id;
  }

  /** Makes an aggregate of these hosts; returns its id. The metadata `availability_zone` makes it a zone. */
  async createAggregate(
    name: string,
    hosts: readonly string[],
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const answer = await this.post('/os-aggregates', { aggregate: { name } });
    const { id } = z.object({ aggregate: idSchema }).parse(answer).aggregate;
    await this.post(`/os-aggregates/${id}/action`, { set_metadata: { metadata } });
    for (const host of hosts) await this.post(`/os-aggregates/${id}/action`, { add_host: { host } });
    return id;
  }

  /** Makes a server group; returns its id. */
  async createServerGroup(
    name: string,
    policy: 'affinity' | 'anti-affinity' | 'soft-affinity' | 'soft-anti-affinity',
  ): Promise<string> {
    const answer = await this.post('/os-server-groups', { server_group: { name, policy } });
    return z.object({ server_group: idSchema }).parse(answer).server_group.id;
  }

  async #call(method: string, path: string, options: CallOptions): Promise<unknown> {
    const response = await this.#ask(method, path, options);
    // The token has expired, or was revoked.
    if (response.status === 401) this.#token = (await logIn(this.#openStack)).token;
    const { status, ok, text } = response.status === 401 ? await this.#ask(method, path, options) : response;
    if (!ok) throw new AnswerError(`${method} ${options.service ?? 'nova'}${path}`, status, text);
    return text === '' ? undefined : JSON.parse(text);
  }

  async #ask(
    method: string,
    path: string,
    { service = 'nova', body, seconds = TIMEOUT_SECONDS }: CallOptions,
  ): Promise<{ readonly status: number; readonly ok: boolean; readonly text: string }> {
    const version = VERSIONS[service];
    const response = await fetch(`${this.#openStack.endpoints[service]}${path}`, {
      method,
      headers: {
        'X-Auth-Token': this.#token,
        ...(version ? { 'OpenStack-API-Version': version } : {}),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(seconds * 1000),
    });
    return { status: response.status, ok: response.ok, text: await response.text() };
  }
}

function hasBooted({ name, status, fault }: Server): boolean {
  if (status === 'ERROR') throw new Error(`${name} did not boot: ${fault ?? 'nobody says why'}`);
  return status === 'ACTIVE';
}

const tokenSchema = z.object({ token: z.object({ project: z.object({ id: z.string() }) }) });

async function logIn({ credentials }: OpenStack): Promise<{ token: string; project: string }> {
  const { authUrl, username, password, projectName, userDomainId, projectDomainId } = credentials;
  const user = { name: username, password, domain: { id: userDomainId } };
  const scope = { project: { name: projectName, domain: { id: projectDomainId } } };
  const auth = { identity: { methods: ['password'], password: { user } }, scope };
  const response = await fetch(`${authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ auth }),
    signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
  });
  const text = await response.text();
  const token = response.headers.get('X-Subject-Token');
  if (!response.ok || !token) throw new AnswerError('POST keystone/auth/tokens', response.status, text);
  return { token, project: tokenSchema.parse(JSON.parse(text)).token.project.id };
}
