/** What a server takes of its host, as Nova asks Placement for it, and whether a host has that free. Pure. */
import type { Server } from '../../../openstack/compute-answers.ts';
import type { HostRoom } from '../../../openstack/placement.ts';

/** Amounts by resource class, such as `VCPU`. */
export type Amounts = Readonly<Record<string, number>>;

const OVERRIDE = /^resources:([A-Z0-9_]+)$/;

/** What a server takes, by its flavor; nothing when that is not known. */
export function needsOf({ flavor, bootsFromVolume, imageProperties }: Server): Amounts {
  if (!flavor) return {};
  const { vcpus, ramMb, diskGb, ephemeralGb, swapMb, extraSpecs = {} } = flavor;
  const isDedicated = (extraSpecs['hw:cpu_policy'] ?? imageProperties['hw_cpu_policy']) === 'dedicated';
  const needs: Record<string, number> = {
    [isDedicated ? 'PCPU' : 'VCPU']: vcpus,
    MEMORY_MB: ramMb,
    DISK_GB: (bootsFromVolume ? 0 : diskGb) + ephemeralGb + Math.ceil(swapMb / 1024),
  };
  for (const [key, value] of Object.entries(extraSpecs)) {
    const name = OVERRIDE.exec(key)?.[1];
    if (name !== undefined) needs[name] = Number(value) || 0;
  }
  return Object.fromEntries(Object.entries(needs).filter(([, amount]) => amount > 0));
}

/**
 * How much of a resource class is free for a server. A host without a class has none of it, but for disks, which hosts
 * may share, and dedicated CPUs, in whose place Nova then takes others.
 */
export function freeOf(name: string, free: HostRoom['free']): number {
  const known = free[name];
  if (known !== undefined) return known;
  if (name === 'PCPU') return free['VCPU'] ?? 0;
  return name === 'DISK_GB' ? Infinity : 0;
}

export function hasRoom(needs: Amounts, free: HostRoom['free']): boolean {
  // For all servers and hosts of a cloud: this makes no list of the needs.
  for (const name in needs) if ((needs[name] ?? 0) > freeOf(name, free)) return false;
  return true;
}

/** What is free once a server has come. */
export function without(needs: Amounts, free: HostRoom['free']): HostRoom['free'] {
  const left: Record<string, number> = { ...free };
  for (const [name, amount] of Object.entries(needs)) {
    const taken = name === 'PCPU' && free[name] === undefined ? 'VCPU' : name;
    const before = left[taken];
    if (before !== undefined) left[taken] = before - amount;
  }
  return left;
}

/** The needs in words, such as `2 vCPUs, 2048 MB of memory`. */
export function needsText(needs: Amounts): string {
  return Object.entries(needs)
    .map(([name, amount]) => amountText(name, amount))
    .join(', ');
}

export function amountText(name: string, amount: number): string {
  switch (name) {
    case 'VCPU':
      return `${String(amount)} ${amount === 1 ? 'vCPU' : 'vCPUs'}`;
    case 'PCPU':
      return `${String(amount)} dedicated ${amount === 1 ? 'CPU' : 'CPUs'}`;
    case 'MEMORY_MB':
      return `${String(amount)} MB of memory`;
    case 'DISK_GB':
      return `${String(amount)} GB of local disk`;
    default:
      return `${String(amount)} ${name}`;
  }
}
