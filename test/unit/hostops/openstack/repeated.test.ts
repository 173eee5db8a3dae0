import { expect, it } from 'vitest';
import { Repeated } from '../../../../src/hostops/openstack/observed/repeated.ts';
import { eventually } from '../../../support/eventually.ts';

const NEVER_MS = 1_000_000;

/** Something repeated that counts, with pauses that only `wake` ends. */
function counting(meanwhile: (repeated: Repeated, acts: number) => void = () => undefined) {
  const stopping = new AbortController();
  let acts = 0;
  const repeated: Repeated = new Repeated(async () => {
    acts += 1;
    meanwhile(repeated, acts);
    return NEVER_MS;
  });
  return { repeated, stopping, acts: () => acts, ended: repeated.run(stopping.signal) };
}

it('acts at once, and again when its pause is ended', async () => {
  const { repeated, stopping, acts, ended } = counting();
  await eventually('the first act', () => acts() === 1);
  repeated.wake();
  await eventually('the second act', () => acts() === 2);
  stopping.abort();
  await ended;
  expect(acts()).toBe(2);
});

it('acts once more without a pause when it is woken during an act', async () => {
  const { stopping, acts, ended } = counting((repeated, count) => {
    if (count === 1) repeated.wake();
  });
  await eventually('the second act', () => acts() === 2);
  stopping.abort();
  await ended;
  expect(acts()).toBe(2);
});
