import { expect, it } from 'vitest';
import { replySettingsIn } from '../../../src/gateway/reply-settings.ts';

const right = { CAREEN_REPLIES_URL: 'https://careen.example.com/a', CAREEN_REPLIES_KEY_FILE: '/key' };

it('takes no answers by HTTP unless there is an address', () => {
  expect(replySettingsIn({})).toBeUndefined();
  expect(replySettingsIn({ ...right, CAREEN_REPLIES_URL: '' })).toBeUndefined();
});

it('reads address, port and key', () => {
  const base = 'https://careen.example.com/a';
  expect(replySettingsIn(right)).toEqual({ base, port: 8081, keyFile: '/key' });
  expect(replySettingsIn({ ...right, CAREEN_REPLIES_PORT: '0' })).toHaveProperty('port', 0);
});

it.each([
  'careen.example.com',
  'ftp://a',
  'https://a/?b',
  'https://a/#b',
  'https://u@a/',
  `https://${'a'.repeat(60)}`,
])('refuses the address %s', (url) => {
  expect(() => replySettingsIn({ ...right, CAREEN_REPLIES_URL: url })).toThrow(
    /^CAREEN_REPLIES_URL is ".*": set an address of at most 64 characters/,
  );
});

it('names every wrong variable', () => {
  const wrong = { CAREEN_REPLIES_URL: 'a', CAREEN_REPLIES_PORT: '65536' };
  expect(() => replySettingsIn(wrong)).toThrow(
    /CAREEN_REPLIES_URL is .*; CAREEN_REPLIES_PORT is "65536": .*; CAREEN_REPLIES_KEY_FILE is not set/,
  );
});
