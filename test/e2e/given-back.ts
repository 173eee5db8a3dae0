import { expect } from 'vitest';
import { closed, marked, type Fleet } from './cluster.ts';

/** Every host is open without a mark of ours, and the permits are freed: their write is the last, so it is awaited. */
export async function expectGivenBack(fleet: Fleet): Promise<void> {
  const nodes = await fleet.nodes();
  expect({ closed: closed(nodes), marked: marked(nodes) }).toEqual({ closed: [], marked: [] });
  await fleet.untilPool('no permit is left', ({ permits }) => permits?.length === 0);
}
