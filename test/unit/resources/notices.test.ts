import { describe, expect, it } from 'vitest';
import { Notices, type StoredNotice } from '../../../src/resources/notices.ts';
import { makeLogger } from '../../../src/telemetry/logger.ts';
import { scriptedServer } from '../support/scripted-server.ts';

const notice: StoredNotice = {
  ...{ namespace: 'tenant', name: 'round-1', generation: 1, spec: {}, status: {} },
  ...{ uid: 'u-1', resourceVersion: '7', session: 's-1' },
};

/** Deletes a notice at a server that answers with this status. */
async function removeAt(status: number): Promise<void> {
  const server = await scriptedServer((_, response) =>
    response.writeHead(status).end(JSON.stringify({ kind: 'Status', code: status })),
  );
  const log = makeLogger({ level: 'silent' });
  try {
    await new Notices({ config: server.client, log, clock: () => Date.now() }).remove(notice);
  } finally {
    server.close();
  }
}

describe('the removal of a notice', () => {
  it('is done when there is none', async () => {
    await expect(removeAt(404)).resolves.toBeUndefined();
  });

  it('is not done when the server refuses it: the session stays until it is', async () => {
    await expect(removeAt(409)).rejects.toThrow();
  });
});
