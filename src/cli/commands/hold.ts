/** `careen hold`. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addMode } from './mode.ts';

export function addHold(program: Command, io: Io): void {
  addMode(program, io, 'hold', 'Hold', 'set execution.mode to Hold: begin no further stage');
}
