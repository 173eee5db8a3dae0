/** `careen release`. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addActing, addAskOptions } from './ask.ts';
import { askForHost } from './ask-for-host.ts';

export function addRelease(program: Command, io: Io): void {
  const command = addActing(program, 'release', 'release a failed host as it is');
  addAskOptions(
    command.argument('<host>').argument('[strategy]', 'by default the one that holds the host'),
  ).action(async (host: string, name: string | undefined, _own: unknown, self: Command) =>
    askForHost(host, name, self, io, (each) => ({ verb: 'release-host', host: each })),
  );
}
