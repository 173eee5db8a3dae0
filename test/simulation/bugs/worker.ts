/** Like ../worker.ts, with one bug planted before any code of the operator is loaded. */
import { workerData } from 'node:worker_threads';
import { BUGS } from './catalogue.ts';
import { at } from '../world/api-server.ts';
import { plant } from './plant.ts';

const index = Number(at(workerData, 'bug'));
const bug = BUGS[index];
if (!bug) throw new Error(`there is no bug ${String(index)}`);
plant(bug);
await import('../worker.ts');
