import { describe, expect, it } from 'vitest';
import { settingsIn } from '../../../src/controllers/runtime/settings.ts';
import { leaseTimes } from '../../../src/leadership/lease-verdict.ts';

describe('the settings of the operator', () => {
  it('have defaults, also for variables that are empty', () => {
    const defaults = { port: 8080, leaseSeconds: 15, resyncSeconds: 30 };
    expect(settingsIn({})).toEqual(defaults);
    expect(settingsIn({ CAREEN_PORT: '', CAREEN_LEASE_SECONDS: '', CAREEN_RESYNC_SECONDS: '' })).toEqual(
      defaults,
    );
  });

  it('are whole numbers in a range', () => {
    const set = { CAREEN_PORT: '0', CAREEN_LEASE_SECONDS: '5', CAREEN_RESYNC_SECONDS: '3600' };
    expect(settingsIn(set)).toEqual({ port: 0, leaseSeconds: 5, resyncSeconds: 3600 });
  });

  it.each([
    ['CAREEN_LEASE_SECONDS', '2', 'set a whole number from 3 to 600, or leave it out for 15'],
    ['CAREEN_LEASE_SECONDS', '601', 'from 3 to 600'],
    ['CAREEN_LEASE_SECONDS', '7.5', 'a whole number'],
    ['CAREEN_LEASE_SECONDS', '-15', 'from 3 to 600'],
    ['CAREEN_LEASE_SECONDS', '15s', 'from 3 to 600'],
    ['CAREEN_LEASE_SECONDS', '1e2', 'from 3 to 600'],
    ['CAREEN_RESYNC_SECONDS', '0', 'from 1 to 3600'],
    ['CAREEN_RESYNC_SECONDS', 'soon', 'from 1 to 3600'],
    ['CAREEN_PORT', '65536', 'from 0 to 65535'],
    ['CAREEN_PORT', 'http', 'from 0 to 65535'],
  ])('%s=%s is refused', (name, value, remedy) => {
    expect(() => settingsIn({ [name]: value })).toThrow(`${name} is "${value}": `);
    expect(() => settingsIn({ [name]: value })).toThrow(remedy);
  });

  it('are all named when several cannot work', () => {
    expect(() => settingsIn({ CAREEN_PORT: 'a', CAREEN_LEASE_SECONDS: 'b' })).toThrow(
      /CAREEN_PORT.*CAREEN_LEASE_SECONDS/,
    );
  });

  it('allow only leases whose times a timer can keep', () => {
    for (let seconds = 3; seconds <= 600; seconds += 1) {
      const { leaseMs, renewDeadlineMs, retryMs, requestMs } = leaseTimes(seconds);
      expect([leaseMs, renewDeadlineMs, retryMs, requestMs].every(Number.isInteger), String(seconds)).toBe(
        true,
      );
      expect(renewDeadlineMs + requestMs).toBeLessThanOrEqual(leaseMs);
      expect(retryMs).toBeGreaterThan(0);
    }
  });

  it('name where projects answer, if they may', () => {
    const key = 'k'.repeat(32);
    const set = { CAREEN_REPLIES_URL: 'https://careen.example.com', CAREEN_REPLIES_KEY: key };
    const replies = { url: 'https://careen.example.com', port: 8082, key: Buffer.from(key) };
    expect(settingsIn(set).replies).toEqual(replies);
    expect(settingsIn({ CAREEN_REPLIES_KEY: key }).replies).toBeUndefined();
    expect(() => settingsIn({ ...set, CAREEN_REPLIES_KEY: 'short' })).toThrow(
      'CAREEN_REPLIES_KEY has 5 bytes',
    );
    expect(() => settingsIn({ ...set, CAREEN_REPLIES_URL: 'careen' })).toThrow(
      'CAREEN_REPLIES_URL is "careen"',
    );
  });
});
