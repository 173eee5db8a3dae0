/** Asks a strategy for one thing: places the request, waits for the answer, prints it. */
import type { Connection } from '../cluster/connection.ts';
import type { Located } from '../cluster/strategies.ts';
import type { Exit } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { rendered, type Format } from '../text/format.ts';
import { awaitAnswer } from './await-answer.ts';
import { exitOf, outcomeLines, outcomeOf, saidOf } from './outcome.ts';
import { place } from './place.ts';
import { freshId, placementOf, type Wish } from './request.ts';
import { likelyCause } from './silence.ts';

export type AskOptions = {
  /** How long the answer is waited for, in seconds. */
  readonly timeout: number;
  readonly wait: boolean;
  readonly output: Format;
};

/** Throws CommandError when the request cannot be placed. */
export async function askFor(
  connection: Connection,
  located: Located,
  wish: Wish,
  { timeout: seconds, wait, output }: AskOptions,
  io: Io,
): Promise<Exit> {
  const user = io.environment['USER'] ?? io.environment['LOGNAME'];
  const placement = placementOf(wish, freshId(user, new Date(), Math.random()));
  const written = await place(connection, located, placement);
  const waited = wait ? await awaitAnswer(connection, written, placement, seconds * 1000) : 'not waited for';
  const isSilent = waited !== 'not waited for' && waited.kind === 'silent';
  const cause = isSilent ? await likelyCause(connection, Date.now()) : '';
  const outcome = outcomeOf(written, placement, saidOf(waited, written, placement, { seconds, cause }));
  io.out(rendered(outcome, output, (each) => outcomeLines(written, each, io)));
  return exitOf(outcome);
}
