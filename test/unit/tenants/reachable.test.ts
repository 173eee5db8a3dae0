import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { RefusedAddress } from '../../../src/http/reachable.ts';
import { addressRefusal, boundedLookup } from '../../../src/tenants/reachable.ts';

const refusal = (url: string, webhookHosts: string[], allowHttp = false) =>
  addressRefusal(new URL(url), { webhookHosts, allowHttp });

describe('addressRefusal', () => {
  it.each([
    ['https://hooks.example.com/a', ['hooks.example.com']],
    ['https://HOOKS.example.com.:8443/', ['hooks.example.com']],
    ['https://a.b.example.com/', ['*.example.com']],
    ['https://10.0.0.1/', ['10.0.0.1']],
    ['https://[2001:db8::7]/', ['2001:db8::7']],
    ['https://127.0.0.1/', ['127.0.0.1']],
  ])('allows %s with %j', (url, hosts) => {
    expect(refusal(url, hosts)).toBeUndefined();
  });

  it.each([
    ['https://example.com/', ['*.example.com']],
    ['https://badexample.com/', ['*.example.com', 'example.com']],
    ['https://example.com.evil.org/', ['*.example.com', 'example.com']],
    ['https://hooks.example.com/', []],
    ['https://hooks.example.com@evil.org/', ['hooks.example.com']],
  ])('refuses %s with %j', (url, hosts) => {
    expect(refusal(url, hosts)).toMatch(/^the pool does not allow the host /);
  });

  it('refuses http unless the pool allows it', () => {
    expect(refusal('http://a/', ['a'])).toMatch(/^http is not allowed: use https, or/);
    expect(refusal('http://a/', ['a'], true)).toBeUndefined();
  });

  it('knows an address however it is written', () => {
    for (const written of ['2130706433', '0x7f.1', '127.1']) {
      expect(refusal(`https://${written}/`, ['*.1'])).toMatch(/does not allow the host 127\.0\.0\.1/);
      expect(refusal(`https://${written}/`, ['127.0.0.1'])).toBeUndefined();
    }
  });
});

describe('boundedLookup', () => {
  const looked = (host: string, webhookHosts: string[], all = true) =>
    new Promise<string | LookupAddress[] | Error>((resolve) => {
      boundedLookup({ webhookHosts, allowHttp: false })(host, { all }, (error, addresses) =>
        resolve(error ?? addresses),
      );
    });

  it.each([
    ...['127.0.0.1', '127.9.9.9', '0.0.0.0', '169.254.169.254', '100.100.100.200', '224.0.0.1'],
    ...['::1', '::', 'fe80::1', 'ff02::1', 'fd00:ec2::254', '2002:7f00:1::'],
    ...['::ffff:127.0.0.1', '::ffff:169.254.169.254', '64:ff9b::127.0.0.1', '64:ff9b::169.254.169.254'],
  ])('refuses %s, unless it is listed itself', async (address) => {
    expect(await looked(address, ['hooks.example.com', '*.example.com'])).toBeInstanceOf(RefusedAddress);
    expect(await looked(address, [address])).toEqual([{ address, family: address.includes(':') ? 6 : 4 }]);
    expect(await looked(address, [address], false)).toBe(address);
  });

  it.each(['10.0.0.1', '192.0.2.1', '2001:db8::7', 'fd12::1', '64:ff9b::192.0.2.1'])(
    'allows %s',
    async (address) => {
      expect(await looked(address, [])).toEqual([{ address, family: address.includes(':') ? 6 : 4 }]);
    },
  );

  it('refuses a name that leads to this machine, whatever the list says of the name', async () => {
    expect(await looked('localhost', ['localhost'])).toBeInstanceOf(RefusedAddress);
    expect(await looked('localhost', ['localhost', '127.0.0.1', '::1'])).not.toBeInstanceOf(Error);
  });

  it('says when a name leads nowhere', async () => {
    expect(await looked('a'.repeat(300), [])).toBeInstanceOf(Error);
  });
});
