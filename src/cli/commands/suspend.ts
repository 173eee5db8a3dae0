/** `careen suspend`. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addMode } from './mode.ts';

export function addSuspend(program: Command, io: Io): void {
  addMode(
    program,
    io,
    'suspend',
    'Suspend',
    'set execution.mode to Suspend: begin nothing, hosts stay as they are',
  );
}
