/** What a server takes of its host. */
import { describe, expect, it } from 'vitest';
import {
  hasRoom,
  needsOf,
  needsText,
  without,
} from '../../../../src/hostops/openstack/placing/server-needs.ts';
import { server, sized } from './cloud-objects.ts';

describe('the needs of a server', () => {
  it('are those of its flavor, with all its local disks', () => {
    const flavor = sized({ vcpus: 2, ramMb: 2048, diskGb: 10, ephemeralGb: 5, swapMb: 1500 });
    expect(needsOf(server({ flavor }))).toEqual({ VCPU: 2, MEMORY_MB: 2048, DISK_GB: 17 });
    expect(needsOf(server({ flavor, bootsFromVolume: true }))).toMatchObject({ DISK_GB: 7 });
    const inVolumes = server({ flavor: sized({ diskGb: 10 }), bootsFromVolume: true });
    expect(needsOf(inVolumes)).not.toHaveProperty('DISK_GB');
    expect(needsOf(server({ flavor: undefined }))).toEqual({});
  });

  it('are dedicated CPUs where the flavor or the image says so', () => {
    const dedicated = { PCPU: 4, MEMORY_MB: 512 };
    const flavor = sized({ vcpus: 4 }, { 'hw:cpu_policy': 'dedicated' });
    expect(needsOf(server({ flavor }))).toEqual(dedicated);
    const imageProperties = { hw_cpu_policy: 'dedicated' };
    expect(needsOf(server({ flavor: sized({ vcpus: 4 }), imageProperties }))).toEqual(dedicated);
    const both = sized({ vcpus: 4 }, { 'hw:cpu_policy': 'shared' });
    expect(needsOf(server({ flavor: both, imageProperties }))).toMatchObject({ VCPU: 4 });
  });

  it('are what the flavor asks Placement for in their place', () => {
    const extraSpecs = { 'resources:VGPU': '1', 'resources:VCPU': '0', 'resources1:VGPU': '3' };
    expect(needsOf(server({ flavor: sized({}, extraSpecs) }))).toEqual({ VGPU: 1, MEMORY_MB: 512 });
  });

  it('are worded for people', () => {
    expect(needsText({ VCPU: 1, PCPU: 2, MEMORY_MB: 512, DISK_GB: 3, VGPU: 1 })).toBe(
      '1 vCPU, 2 dedicated CPUs, 512 MB of memory, 3 GB of local disk, 1 VGPU',
    );
  });
});

describe('a host has room', () => {
  const needs = { VCPU: 2, DISK_GB: 10 };

  it('while it has all of the needs free', () => {
    expect(hasRoom(needs, { VCPU: 2, DISK_GB: 10 })).toBe(true);
    expect(hasRoom(needs, { VCPU: 1, DISK_GB: 10 })).toBe(false);
    expect(hasRoom({ VGPU: 1 }, { VCPU: 2 }), 'it has no such thing').toBe(false);
  });

  it('for disks that hosts share, and for dedicated CPUs where it keeps none apart', () => {
    expect(hasRoom(needs, { VCPU: 2 })).toBe(true);
    expect(hasRoom({ PCPU: 2 }, { VCPU: 2 })).toBe(true);
    expect(hasRoom({ PCPU: 2 }, { VCPU: 2, PCPU: 1 })).toBe(false);
  });

  it('for less once a server has come', () => {
    expect(without(needs, { VCPU: 3, MEMORY_MB: 5 })).toEqual({ VCPU: 1, MEMORY_MB: 5 });
    expect(without({ PCPU: 2 }, { VCPU: 3 })).toEqual({ VCPU: 1 });
    expect(without({ PCPU: 2 }, { VCPU: 3, PCPU: 2 })).toEqual({ VCPU: 3, PCPU: 0 });
  });
});
