import { describe, expect, it } from 'vitest';
import { Notices, type StoredNotice } from '../../../src/resources/notices.ts';
import { makeLogger } from '../../../src/telemetry/logger.ts';
import { scriptedServer } from '../support/scripted-server.ts';

const notice: StoredNotice = {
  ...{ namespace: 'tenant', name: 'round-1', generation: 1, spec: {}, status: {} },
  ...{ uid: 'u-1', resourceVersion: '7', session: 's-1' },
};

/** Does something with notices at a server that answers with this status. */
async function at<T>(status: number, does: (notices: Notices) => Promise<T>): Promise<T> {
  const server = await scriptedServer((_, response) =>
    response.writeHead(status).end(JSON.stringify({ kind: 'Status', code: status })),
  );
  const log = makeLogger({ level: 'silent' });
  try {
    return await does(new Notices({ config: server.client, log, clock: () => Date.now() }));
  } finally {
    server.close();
  }
}

async function removeAt(status: number): Promise<void> {
  return at(status, (notices) => notices.remove(notice));
}

describe('the removal of a notice', () => {
  it('is done when there is none', async () => {
    await expect(removeAt(404)).resolves.toBeUndefined();
  });

  it('is not done when the server refuses it: the session stays until it is', async () => {
    await expect(removeAt(409)).rejects.toThrow();
  });
});

describe('the status of a notice', () => {
  it('is not written where the notice was changed meanwhile, and the writer learns that', async () => {
    await expect(at(409, (notices) => notices.write(notice, { project: 'p-1' }))).resolves.toBe(false);
  });

  it('needs no further attempt when the notice is gone', async () => {
    await expect(at(404, (notices) => notices.write(notice, { project: 'p-1' }))).resolves.toBe(true);
  });
});
