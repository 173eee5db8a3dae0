/**
 * The claims on hosts that Kubernetes does not know: one Lease for each host that was ever claimed, in the operator's
 * namespace. Nova cannot refuse a stale write, and has no place for a claim; a Lease can, and `kubectl get leases` shows
 * who holds what. A released Lease stays, without a holder: a late request to make the first one is refused by it.
 */
import { createHash } from 'node:crypto';
import type { V1Lease } from '@kubernetes/client-node';
import {
  CLAIM_ANNOTATION,
  CLOUD_ANNOTATION,
  HOST_ANNOTATION,
  HOST_CLAIM_LABEL,
  HOST_UID_ANNOTATION,
} from '../../crds/names.ts';
import type { Claim } from '../../engine/view.ts';
import { call, type Client } from '../../kube/client.ts';
import { httpStatus } from '../../kube/errors.ts';
import { SupervisedInformer } from '../../kube/informer.ts';
import type { Log } from '../../kube/log.ts';
import { MANAGED } from '../../kube/writes.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { readClaim, writeClaim, type ReadClaim } from '../claims.ts';

/** A host of a cloud. Clouds are told apart by `keyOfCloud`. */
export type HostOfCloud = { readonly cloud: string; readonly host: HostName; readonly uid: string };

export type ClaimLease = {
  readonly name: string;
  readonly uid: string;
  readonly revision: string;
  readonly cloud: string;
  readonly host: HostName;
  /** The uid that the host had when it was claimed. */
  readonly hostUid: string;
  readonly annotation: string | undefined;
  /** Whether a run holds it. */
  readonly isHeld: boolean;
};

export type ClaimLeasesOptions = {
  readonly config: Client;
  /** The operator's own. */
  readonly namespace: string;
  /** Called when the claim of a host changes. */
  readonly changed: (cloud: string, host: HostName) => void;
  readonly now: () => number;
  readonly log: Log;
};

export class ClaimLeases {
  readonly #options: ClaimLeasesOptions;
  readonly #leases: SupervisedInformer<V1Lease, ClaimLease>;

  constructor(options: ClaimLeasesOptions) {
    const { config, now, log, changed } = options;
    this.#options = options;
    this.#leases = new SupervisedInformer<V1Lease, ClaimLease>({
      config,
      path: this.#path,
      selection: { labelSelector: HOST_CLAIM_LABEL },
      project: claimLeaseOf,
      changed: (before, after) => {
        for (const { cloud, host } of [before, after].flatMap((each) => each ?? [])) changed(cloud, host);
      },
      now,
      log,
    });
  }

  /** Resolves when the claims are known. */
  async start(): Promise<void> {
    this.#leases.start();
    await this.#leases.synced;
  }

  stop(): void {
    this.#leases.stop();
  }

  /** Reads all claims anew, after the cluster was restored from a backup. */
  async listAgain(): Promise<string | undefined> {
    return this.#leases.listAgain();
  }

  get failure(): string | undefined {
    return this.#leases.failure;
  }

  /** All claims on hosts of a cloud. */
  inCloud(cloud: string): readonly ClaimLease[] {
    return [...this.#leases.values()].filter((each) => each.cloud === cloud);
  }

  of(cloud: string, host: HostName): ClaimLease | undefined {
    return this.#leases.get(`${this.#options.namespace}/${nameOf(cloud, host)}`);
  }

  /** Reads the claim of a host past all caches. */
  async read(cloud: string, host: HostName, signal: AbortSignal): Promise<ClaimLease | undefined> {
    const name = nameOf(cloud, host);
    const found = await this.#leases.refresh(`${this.#options.namespace}/${name}`, async () => {
      try {
        const { config } = this.#options;
        return await call<V1Lease>(config, { method: 'GET', path: `${this.#path}/${name}` }, signal);
      } catch (error) {
        if (httpStatus(error) !== 404) throw error;
        return undefined;
      }
    });
    return found && claimLeaseOf(found);
  }

  /**
   * Makes the claim of a host, in its released Lease where it has one. Throws the error of the request: 409 when the host
   * has another Lease than that.
   */
  async create(
    of: HostOfCloud,
    claim: Claim,
    released: ClaimLease | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const spec = { holderIdentity: claim.run, acquireTime: microTime(claim.since) };
    const annotations = { [CLAIM_ANNOTATION]: writeClaim(claim, of.uid) };
    if (released) return this.#patch(released, { ...hostOf(of), ...annotations }, spec, signal);
    return this.#make(of, annotations, spec, signal);
  }

  /**
   * Makes every request to claim a host fail that is on its way: its Lease is there, or is another one than was read. Throws
   * 409 when the Lease has changed since it was read, as by such a request.
   */
  async refuseLate(of: HostOfCloud, released: ClaimLease | undefined, signal: AbortSignal): Promise<void> {
    const spec = { renewTime: microTime(new Date(this.#options.now()).toISOString()) };
    if (released) return this.#patch(released, {}, spec, signal);
    return this.#make(of, {}, spec, signal);
  }

  /** Writes a claim in the place of one that was read. Throws 409 when it has changed since. */
  async replace(lease: ClaimLease, hostUid: string, claim: Claim, signal: AbortSignal): Promise<void> {
    await this.#patch(lease, { [CLAIM_ANNOTATION]: writeClaim(claim, hostUid) }, {}, signal);
  }

  /** Removes a claim that was read. Throws 409 when it has changed since, and 404 when its Lease is gone. */
  async remove(lease: ClaimLease, signal: AbortSignal): Promise<void> {
    await this.#patch(
      lease,
      { [CLAIM_ANNOTATION]: null },
      { holderIdentity: null, acquireTime: null },
      signal,
    );
  }

  async #make(
    of: HostOfCloud,
    annotations: Readonly<Record<string, string>>,
    spec: object,
    signal: AbortSignal,
  ): Promise<void> {
    const { config, namespace } = this.#options;
    const labels = { [HOST_CLAIM_LABEL]: '' };
    const body = {
      ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec },
      metadata: {
        ...{ name: nameOf(of.cloud, of.host), namespace, labels },
        annotations: { ...hostOf(of), ...annotations },
      },
    };
    const request = { method: 'POST', path: this.#path, query: MANAGED, body } as const;
    this.#leases.upsert(await call<V1Lease>(config, request, signal));
  }

  async #patch(
    { name, uid, revision }: ClaimLease,
    annotations: Readonly<Record<string, string | null>>,
    spec: object,
    signal: AbortSignal,
  ): Promise<void> {
    const body = { metadata: { uid, resourceVersion: revision, annotations }, spec };
    const request = { method: 'PATCH', path: `${this.#path}/${name}`, query: MANAGED, body } as const;
    this.#leases.upsert(await call<V1Lease>(this.#options.config, request, signal));
  }

  get #path(): string {
    return leasesPath(this.#options.namespace);
  }
}

/** The claim in a Lease of a host with this uid. */
export function claimIn(lease: ClaimLease | undefined, hostUid: string): ReadClaim {
  if (!lease || (lease.annotation === undefined && !lease.isHeld)) return readClaim(undefined, hostUid);
  return readClaim(lease.annotation ?? '', hostUid);
}

/** The Leases of a namespace. */
export function leasesPath(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}

export function claimLeaseOf({ metadata, spec }: V1Lease): ClaimLease {
  const { name = '', uid = '', resourceVersion = '', annotations = {} } = metadata ?? {};
  return {
    ...{ name, uid, revision: resourceVersion, annotation: annotations[CLAIM_ANNOTATION] },
    ...{ cloud: annotations[CLOUD_ANNOTATION] ?? '', host: annotations[HOST_ANNOTATION] ?? '' },
    hostUid: annotations[HOST_UID_ANNOTATION] ?? '',
    isHeld: (spec?.holderIdentity ?? '') !== '',
  };
}

/** What the Lease of a host says about it. */
function hostOf({ cloud, host, uid }: HostOfCloud): Readonly<Record<string, string>> {
  return { [HOST_ANNOTATION]: host, [HOST_UID_ANNOTATION]: uid, [CLOUD_ANNOTATION]: cloud };
}

/** A host name may have characters that the name of a Lease may not have. */
function nameOf(cloud: string, host: HostName): string {
  return `careen-host-${createHash('sha256')
    .update(JSON.stringify([cloud, host]))
    .digest('hex')
    .slice(0, 16)}`;
}

/** A time as the API server wants it in a Lease: with microseconds. */
function microTime(time: string): string {
  return new Date(time).toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');
}
