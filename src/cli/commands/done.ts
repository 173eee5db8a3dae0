/** `careen done`. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addActing, addAskOptions } from './ask.ts';
import { askForHost } from './ask-for-host.ts';

export function addDone(program: Command, io: Io): void {
  const command = addActing(program, 'done', 'say that the manual work on a host is done');
  addAskOptions(command.argument('<host>').argument('[strategy]', 'by default the one that holds the host'))
    .option('--failed', 'say that it has failed')
    .action(async (host: string, name: string | undefined, { failed }: { failed?: boolean }, self: Command) =>
      askForHost(host, name, self, io, (each) => ({
        ...{ verb: 'done', host: each },
        ...(failed ? { failed } : {}),
      })),
    );
}
