/** The hosts of a test's OpenStack, lent to its cases: each case has some for itself, and gives them back as they were. */
import { eventually } from '../eventually.ts';
import { NOVA_PAUSE, type Admin } from './admin.ts';
import type { OpenStack } from './openstack.ts';

const ALIVE_SECONDS = 60;

type Loan = { readonly aggregate: string; isOff: boolean };

export class LentHosts {
  readonly #openStack: OpenStack;
  readonly #admin: Admin;
  readonly #free: string[];
  readonly #lent = new Map<string, Loan>();

  constructor(openStack: OpenStack, admin: Admin) {
    this.#openStack = openStack;
    this.#admin = admin;
    this.#free = [...openStack.hosts];
  }

  /** Lends a host that is up, as the only one of an aggregate with this metadata. */
  async lend(metadata: Readonly<Record<string, string>>): Promise<string> {
    const host = await eventually('a free host that is up', async () => this.#firstUp(), {
      ...NOVA_PAUSE,
      seconds: ALIVE_SECONDS,
      describe: () => ({ free: this.#free, lent: [...this.#lent.keys()] }),
    });
    this.#free.splice(this.#free.indexOf(host), 1);
    const aggregate = await this.#admin.createAggregate(`of-${host}`, [host], metadata);
    this.#lent.set(host, { aggregate, isOff: false });
    return host;
  }

  /** Switches a lent host on or off. Nova shows it as down after 10 seconds, and as up after its first report. */
  async setPower(host: string, isOn: boolean): Promise<void> {
    await this.#openStack.command(`power-${isOn ? 'on' : 'off'} ${host}`);
    this.#loan(host).isOff = !isOn;
  }

  /** Disables or enables the compute service of a host, as a person does. */
  async setEnabled(host: string, isEnabled: boolean): Promise<void> {
    await this.#admin.setEnabled(host, isEnabled);
  }

  /** Takes a host back: on, enabled and in no aggregate. */
  async takeBack(host: string): Promise<void> {
    const { aggregate, isOff } = this.#loan(host);
    if (isOff) await this.setPower(host, true);
    await this.setEnabled(host, true);
    await this.#admin.post(`/os-aggregates/${aggregate}/action`, { remove_host: { host } });
    await this.#admin.delete(`/os-aggregates/${aggregate}`);
    this.#lent.delete(host);
    this.#free.push(host);
  }

  async #firstUp(): Promise<string | undefined> {
    const services = await this.#admin.computeServices();
    const up = new Set(services.filter(({ state }) => state === 'up').map(({ host }) => host));
    return this.#free.find((host) => up.has(host));
  }

  #loan(host: string): Loan {
    const loan = this.#lent.get(host);
    if (!loan) throw new Error(`${host} is not lent`);
    return loan;
  }
}
