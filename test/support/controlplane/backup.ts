/** A backup of etcd's data, and its restoration, as an administrator does it: with the components stopped meanwhile. */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { send } from '../../../src/kube/client.ts';
import { eventually } from '../eventually.ts';
import type { Component, ControlPlane } from './controlplane.ts';

/** They keep what they know of the objects, so they begin anew after a restoration. */
const WITH_CACHES: readonly Component[] = ['controller-manager', 'scheduler', 'kwok'];

/** Copies the data of etcd beside it, and returns the folder. Objects cannot be read or written meanwhile. */
export async function backUp(plane: ControlPlane): Promise<string> {
  const backup = join(plane.dir, 'etcd-backup');
  await plane.command('kill etcd');
  await cp(dataOf(plane), backup, { recursive: true });
  await plane.command('start etcd');
  return backup;
}

/** Puts the data of a backup in the place of the present ones, and waits until the API server serves them. */
export async function restore(plane: ControlPlane, admin: KubeConfig, backup: string): Promise<void> {
  await plane.command('kill apiserver');
  await plane.command('kill etcd');
  await rm(dataOf(plane), { recursive: true });
  await cp(backup, dataOf(plane), { recursive: true });
  await plane.command('start etcd');
  await plane.command('start apiserver');
  for (const component of WITH_CACHES) {
    await plane.command(`kill ${component}`);
    await plane.command(`start ${component}`);
  }
  const isReady = async (): Promise<boolean> => {
    const { body } = await send(admin, { method: 'GET', path: '/readyz' });
    await body?.cancel();
    return true;
  };
  await eventually('the API server serves', async () => isReady().catch(() => false));
}

function dataOf({ dir }: ControlPlane): string {
  return join(dir, 'etcd');
}
