/**
 * Processes that compete for one Lease, each with a clock that runs a little
 * wrong, and an API server that may receive their requests late and lose answers.
 * The caller decides which process makes a step when; a process without a step is
 * stopped.
 */
import {
  leaderVerdict,
  leaseTimes,
  seen,
  seenGone,
  standbyVerdict,
  validUntil,
  type LeaseFacts,
  type LeaseTimes,
  type Sighting,
} from '../../../src/leadership/lease-verdict.ts';

type Request =
  | { readonly kind: 'look' }
  /** `guard`: the revision that the write was decided on; undefined: there is no Lease. */
  | { readonly kind: 'write'; readonly guard: LeaseFacts | undefined; readonly holder: string };
type Answer = { readonly lease: LeaseFacts | undefined } | 'conflict';
type Flight = { readonly request: Request; readonly startedAt: number; answer?: Answer };

class Process {
  identity: string;
  readonly rate: number;
  sighting: Sighting | undefined;
  /** The start of the request by which it leads; undefined when it does not. */
  renewedAt: number | undefined;
  flight: Flight | undefined;
  /** How much of the Lease's history its watch has delivered. */
  watched = 0;

  constructor(identity: string, rate: number) {
    this.identity = identity;
    this.rate = rate;
  }
}

export class ElectionModel {
  readonly processes: readonly Process[];
  readonly #times: LeaseTimes;
  /** Each state of the Lease, the last is the present one. */
  readonly #history: (LeaseFacts | undefined)[] = [];
  /** Requests that nobody waits for any more and that still arrive. */
  readonly #strays: Request[] = [];
  #now = 0;
  #restarts = 0;

  /** One process for each rate, the speed of its clock; 1 is right. */
  constructor(rates: readonly number[], times: LeaseTimes = leaseTimes(15)) {
    this.processes = rates.map((rate, i) => new Process(`p${String(i)}`, rate));
    this.#times = times;
  }

  elapse(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** The processes that believe, by their own clock, that they lead. */
  get valid(): string[] {
    return this.processes.filter((each) => this.#isValid(each)).map(({ identity }) => identity);
  }

  /** Judges and sends a request, if there is one to send and none is in flight. */
  decide(process: Process): void {
    if (process.flight) return;
    const { identity, sighting, renewedAt } = process;
    const now = this.#clock(process);
    const verdict =
      renewedAt === undefined
        ? standbyVerdict(identity, sighting, this.#times, now)
        : leaderVerdict(identity, sighting, renewedAt, this.#times, now);
    switch (verdict.kind) {
      case 'wait':
        return;
      case 'lost':
        return this.restart(process);
      case 'look':
        return this.#send(process, verdict);
      case 'create':
        return this.#send(process, { kind: 'write', guard: undefined, holder: identity });
      case 'take':
      case 'renew':
        return this.#send(process, { kind: 'write', guard: verdict.lease, holder: identity });
    }
  }

  /** Its request arrives at the server. */
  arrive({ flight }: Process): void {
    if (flight && !flight.answer) flight.answer = this.#serve(flight.request);
  }

  /** It receives its answer, if there is one yet. */
  receive(process: Process): void {
    const { flight } = process;
    if (!flight?.answer) return;
    process.flight = undefined;
    const now = this.#clock(process);
    if (flight.answer === 'conflict') return this.#send(process, { kind: 'look' });
    const { lease } = flight.answer;
    process.sighting = lease
      ? seen(process.sighting, lease, now)
      : seenGone(process.sighting, process.sighting?.lease?.uid, now);
    if (flight.request.kind === 'write' && flight.request.holder !== '')
      this.#renewed(process, flight.startedAt);
  }

  /** It stops waiting for its answer. The request may arrive later. */
  timeOut(process: Process): void {
    const { flight } = process;
    if (flight && !flight.answer) this.#strays.push(flight.request);
    process.flight = undefined;
  }

  strayArrives(): void {
    const stray = this.#strays.shift();
    if (stray) this.#serve(stray);
  }

  /** Its watch delivers the next change. */
  watch(process: Process): void {
    if (process.watched >= this.#history.length) return;
    const lease = this.#history[process.watched];
    process.watched += 1;
    if (lease) process.sighting = seen(process.sighting, lease, this.#clock(process));
  }

  /** It releases the Lease and ends; another process replaces it. */
  release(process: Process): void {
    const { renewedAt, sighting, flight } = process;
    if (renewedAt === undefined || !sighting?.lease || flight) return;
    this.#strays.push({ kind: 'write', guard: sighting.lease, holder: '' });
    this.restart(process);
  }

  /** It dies; another process replaces it. */
  restart(process: Process): void {
    this.timeOut(process);
    this.#restarts += 1;
    process.identity = `${process.identity.split('-')[0] ?? ''}-${String(this.#restarts)}`;
    process.sighting = undefined;
    process.renewedAt = undefined;
    process.watched = 0;
  }

  #clock({ rate }: Process): number {
    return this.#now * rate;
  }

  #isValid(process: Process): boolean {
    const { renewedAt } = process;
    return renewedAt !== undefined && this.#clock(process) < validUntil(renewedAt, this.#times);
  }

  #renewed(process: Process, startedAt: number): void {
    if (this.#clock(process) >= validUntil(startedAt, this.#times)) return;
    if (process.renewedAt === undefined || this.#isValid(process)) process.renewedAt = startedAt;
  }

  #send(process: Process, request: Request): void {
    process.flight = { request, startedAt: this.#clock(process) };
  }

  #serve(request: Request): Answer {
    const present = this.#history.at(-1);
    if (request.kind === 'look') return { lease: present };
    if (present?.revision !== request.guard?.revision) return 'conflict';
    const lease = {
      uid: 'lease',
      revision: String(this.#history.length + 1),
      holder: request.holder,
      leaseMs: this.#times.leaseMs,
      transitions: 0,
    };
    this.#history.push(lease);
    return { lease };
  }
}
