import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { pathTemplate } from '../../support/audit/path-template.ts';
import { listening } from '../../support/network/loopback.ts';
import { TcpProxy } from '../../support/network/tcp-proxy.ts';

describe('the TCP proxy', () => {
  let echo: Server;
  let proxy: TcpProxy;
  const clients: Client[] = [];

  beforeEach(async () => {
    echo = createServer((socket) => socket.pipe(socket).on('error', () => undefined));
    proxy = await TcpProxy.start(`https://127.0.0.1:${String(await listening(echo))}`);
  });
  afterEach(async () => {
    await proxy.close();
    await proxy.close();
    for (const { socket } of clients.splice(0)) socket.destroy();
    echo.close();
  });

  type Client = { readonly socket: Socket; received: string; ended: boolean };
  function open(): Client {
    const client = { socket: connect(proxy.port, '127.0.0.1'), received: '', ended: false };
    client.socket
      .on('data', (data) => (client.received += data.toString()))
      .on('error', () => undefined)
      .on('close', () => (client.ended = true));
    clients.push(client);
    return client;
  }
  async function echoes(client: Client, text: string): Promise<void> {
    client.socket.write(text);
    await eventually(`the echo of ${text}`, () => client.received.endsWith(text));
  }

  it('forwards data, and counts connections and bytes', async () => {
    const [first, second] = [open(), open()];
    await echoes(first, 'one');
    await echoes(second, 'two');
    expect([proxy.accepted, proxy.open, proxy.bytes]).toEqual([2, 2, 12]);
    first.socket.destroy();
    await eventually('one is closed', () => proxy.open === 1);
    expect([proxy.accepted, proxy.bytes]).toEqual([2, 12]);
  });

  it('cuts open connections and refuses new ones, independently', async () => {
    const [first, second] = [open(), open()];
    await echoes(first, 'one');
    await echoes(second, 'one');
    proxy.refuse();
    await echoes(first, 'two');
    const refused = open();
    await eventually('the new one is refused', () => refused.ended);
    proxy.cut();
    await eventually('the old ones are cut', () => first.ended && second.ended);
    proxy.heal();
    await echoes(open(), 'three');
  });

  it('drops everything silently in a black hole; connections from then stay dead', async () => {
    const old = open();
    await echoes(old, 'one');
    proxy.blackHole();
    const fresh = open();
    old.socket.write('two');
    fresh.socket.write('two');
    await eventually('both are accepted', () => proxy.open === 2);
    proxy.heal();
    await echoes(open(), 'three');
    expect([old.received, fresh.received]).toEqual(['one', '']);
    expect([old.ended, fresh.ended]).toEqual([false, false]);
  });
});

describe('a path template', () => {
  it.each([
    ['/api/v1/nodes', '/api/v1/nodes'],
    ['/api/v1/nodes/worker-3', '/api/v1/nodes/{name}'],
    ['/api/v1/namespaces/a', '/api/v1/namespaces/{name}'],
    ['/api/v1/namespaces/a/finalize', '/api/v1/namespaces/{name}/finalize'],
    ['/api/v1/namespaces/a/pods/b/eviction', '/api/v1/namespaces/{namespace}/pods/{name}/eviction'],
    ['/apis/careen.dev/v1alpha1/hostpools/a/status', '/apis/careen.dev/v1alpha1/hostpools/{name}/status'],
    ['/apis/batch/v1/namespaces/a/jobs', '/apis/batch/v1/namespaces/{namespace}/jobs'],
    ['/readyz', '/readyz'],
  ])('of %s is %s', (path, template) => {
    expect(pathTemplate(path)).toBe(template);
  });
});
