/** Like ../worker.ts, with one bug planted before any code of the operator is loaded. */
import { workerData } from 'node:worker_threads';
import { BUGS } from './catalogue.ts';
import { plant } from './plant.ts';

const bug = BUGS[Number(workerData)];
if (!bug) throw new Error(`there is no bug ${String(workerData)}`);
plant(bug);
await import('../worker.ts');
