/**
 * What decides which hosts may take a server, besides their room: what Nova's scheduler looks at, as far as its API shows
 * it. Pure.
 */
import type { Server, ServerGroup } from '../../../openstack/compute-answers.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';

/** One of the things that bind a server to hosts. */
export type Bound = {
  /** Which hosts it admits; comes after `a host`, such as `of zone az1`. */
  readonly words: string;
  readonly admits: (host: HostName) => boolean;
  /** Why it leaves no host; comes after the name of the server. */
  readonly none: string;
  readonly remedy: string;
};

/** What is known of hosts and of other servers. */
export type Surroundings = {
  readonly zoneOf: (host: HostName) => string | undefined;
  /** All values that the aggregates of a host have for a key of their metadata. */
  readonly metadataOf: (host: HostName, key: string) => ReadonlySet<string>;
  /** Undefined where that is not known. */
  readonly traitsOf: (host: HostName) => ReadonlySet<string> | undefined;
  readonly hostOf: (server: string) => HostName | undefined;
  readonly groupOf: (server: string) => ServerGroup | undefined;
  /** How many members of a group a host has, without this server. */
  readonly othersOn: (host: HostName, group: ServerGroup, server: string) => number;
};

/** All bounds of a server; a host may take it when each admits the host. */
export function boundsOf(server: Server, around: Surroundings): readonly Bound[] {
  return [
    ...ofZone(server, around),
    ...ofAggregates(server, around),
    ...ofTraits(server, around),
    ...ofHints(server, around),
    ...ofGroup(server, around),
  ];
}

/**
 * Whether a server may be in a zone. The one that it was booted in or moved to does not bind it, unless that was asked for.
 */
export function isInZone({ pinnedZone }: Pick<Server, 'pinnedZone'>, zone: string | undefined): boolean {
  return typeof pinnedZone !== 'string' || zone === pinnedZone;
}

function ofZone({ id, pinnedZone }: Server, { zoneOf }: Surroundings): Bound[] {
  if (typeof pinnedZone !== 'string') return [];
  return [
    {
      words: `of zone ${pinnedZone}`,
      admits: (host) => isInZone({ pinnedZone }, zoneOf(host)),
      none: `is pinned to zone ${pinnedZone}, where no other host is in service that may take it`,
      remedy: `add a host to the zone, or unpin the server (Nova 2.104): PUT /servers/${id} with pinned_availability_zone null`,
    },
  ];
}

const AGGREGATE_SPEC = /^aggregate_instance_extra_specs:(.+)$/;

function ofAggregates({ flavor }: Server, { metadataOf }: Surroundings): Bound[] {
  return Object.entries(flavor?.extraSpecs ?? {}).flatMap(([spec, wanted]): Bound[] => {
    const key = AGGREGATE_SPEC.exec(spec)?.[1];
    const values = valuesIn(wanted);
    if (key === undefined || values === undefined) return [];
    return [
      {
        words: `of an aggregate with ${key}=${values.join(' or ')}`,
        admits: (host) => values.some((value) => metadataOf(host, key).has(value)),
        none: `needs an aggregate with ${key}=${values.join(' or ')} by its flavor, and no other host in service has one`,
        remedy: 'add a host to such an aggregate',
      },
    ];
  });
}

/** The values that a spec of aggregates admits; undefined for a comparison, which is left to Nova. */
function valuesIn(wanted: string): readonly string[] | undefined {
  if (wanted.startsWith('<or>'))
    return wanted
      .split('<or>')
      .map((each) => each.trim())
      .filter(Boolean);
  return /^(<|=|!|s[=!<>])/.test(wanted) ? undefined : [wanted.trim()];
}

const TRAIT = /^trait:(.+)$/;

function ofTraits({ flavor }: Server, { traitsOf }: Surroundings): Bound[] {
  return Object.entries(flavor?.extraSpecs ?? {}).flatMap(([spec, wanted]): Bound[] => {
    const trait = TRAIT.exec(spec)?.[1];
    if (trait === undefined || (wanted !== 'required' && wanted !== 'forbidden')) return [];
    const isRequired = wanted === 'required';
    return [
      {
        words: `${isRequired ? 'with' : 'without'} trait ${trait}`,
        admits: (host) => (traitsOf(host)?.has(trait) ?? isRequired) === isRequired,
        none: `needs a host ${isRequired ? 'with' : 'without'} trait ${trait} by its flavor, and no other in service is one`,
        remedy: `openstack --os-placement-api-version 1.6 resource provider list ${isRequired ? '--required' : '--forbidden'} ${trait}`,
      },
    ];
  });
}

const KEPT_HINT =
  'nothing changes the hint of a server: its owner may build it anew without that, or it is left out with its host (careen skip)';

function ofHints({ schedulerHints = {} }: Server, around: Surroundings): Bound[] {
  return [
    ...nearOthers(textsIn(schedulerHints['same_host']), around),
    ...apartFromOthers(textsIn(schedulerHints['different_host']), around),
  ];
}

function nearOthers(servers: readonly string[], { hostOf }: Surroundings): Bound[] {
  if (servers.length === 0) return [];
  const [hosts, names] = [new Set(servers.map(hostOf)), servers.join(' or ')];
  return [
    {
      words: `that has server ${names}`,
      admits: (host) => hosts.has(host),
      none: `was to be on the host of server ${names} (scheduler hint same_host)`,
      remedy: KEPT_HINT,
    },
  ];
}

function apartFromOthers(all: readonly string[], { hostOf }: Surroundings): Bound[] {
  const servers = all.filter((each) => hostOf(each) !== undefined);
  if (servers.length === 0) return [];
  const [hosts, names] = [new Set(servers.map(hostOf)), servers.join(' and ')];
  return [
    {
      words: `without server ${names}`,
      admits: (host) => !hosts.has(host),
      none: `may be on no host of server ${names} (scheduler hint different_host)`,
      remedy: KEPT_HINT,
    },
  ];
}

/** Nova keeps a hint as it was given: one text, or several. */
function textsIn(hint: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(hint) ? hint : [hint];
  return all.filter((each): each is string => typeof each === 'string');
}

/** A soft group binds nothing. */
function ofGroup({ id }: Server, { groupOf, othersOn }: Surroundings): Bound[] {
  const group = groupOf(id);
  if (!group) return [];
  const { name, policy, maxServersPerHost: most = 1 } = group;
  if (policy === 'anti-affinity')
    return [
      {
        words:
          most === 1
            ? `without another of group ${name}`
            : `with fewer than ${String(most)} of group ${name}`,
        admits: (host) => othersOn(host, group, id) < most,
        none: `is of server group ${name} (anti-affinity), of which each other host in service that may take it has ${most === 1 ? 'a member' : `${String(most)} members`}`,
        remedy: 'add a host, or let the owner of the group delete one of its servers',
      },
    ];
  if (policy !== 'affinity') return [];
  return [
    {
      words: `with another of group ${name}`,
      admits: (host) => othersOn(host, group, id) > 0,
      none: `is of server group ${name} (affinity): Nova moves it only to where another member is, and they are together`,
      remedy: `let its owner give up the group (its servers stay): openstack server group delete ${group.id}`,
    },
  ];
}
