/** Requests of people to a simulated run. */
import type { RunRequest } from '../../../src/engine/turn.ts';
import { SimulatedRun, type RunOptions } from './simulated-run.ts';

/** A request without its id, kind by kind. */
type Asked = RunRequest extends infer R ? (R extends RunRequest ? Omit<R, 'id'> : never) : never;

let serial = 0;
/** Places a request and lets it be answered. */
export async function ask(run: SimulatedRun, request: Asked): Promise<string> {
  serial += 1;
  const id = `q-${String(serial)}`;
  run.requests = [{ id, ...request }];
  await run.pass();
  const answer = run.answers.find((each) => each.id === id);
  return answer ? `${answer.answer}: ${answer.message}` : 'no answer';
}

/** A run in Hold, whose plan is built. */
export async function held(options: RunOptions): Promise<SimulatedRun> {
  const run = await SimulatedRun.start(options);
  run.order = { mode: 'Hold' };
  await run.settle();
  return run;
}
