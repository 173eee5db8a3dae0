/** `careen watch`. */
import type { Command } from 'commander';
import { connect, type ClusterOptions, type Connection } from '../cluster/connection.ts';
import { findStrategy, wordsOf, type Located } from '../cluster/strategies.ts';
import { CommandError } from '../command-error.ts';
import { EXIT_CODES } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { drainingHosts } from '../status/advice.ts';
import { readSurroundings } from '../status/read-surroundings.ts';
import { NO_SURROUNDINGS, type StatusReport, type Surroundings } from '../status/report.ts';
import { styledLines } from '../text/lines.ts';
import { changesBetween } from '../watch/changes.ts';
import { follow, type Followed } from '../watch/follow.ts';
import { frameLines, type Lost, type Picture, type Size } from '../watch/frame.ts';
import { Screen } from '../watch/screen.ts';
import { exitCodesHelp, GROUPS } from './command.ts';
import { EXITS, reportOf } from './status.ts';

const SECOND = 1000;
/** As a shell reports a process that Ctrl-C has ended. */
const INTERRUPTED = 130;

export function addWatch(program: Command, io: Io): void {
  program
    .command('watch')
    .helpGroup(GROUPS.look)
    .description(
      'follow a strategy until its run has ended; where the output is no terminal, one line per change',
    )
    .argument('[name]', 'the strategy: NAME or KIND/NAME')
    .addHelpText('after', `${exitCodesHelp('failed')}\n  130  ended by Ctrl-C; the run goes on`)
    .action(async (name: string | undefined, _own: unknown, command: Command) => {
      const options = command.optsWithGlobals<ClusterOptions>();
      const connection = connect(options, io.environment);
      const located = await findStrategy(connection, name, io.note);
      process.exitCode = await new Watching(connection, options, io).untilEnded(located);
    });
}

/** What is shown of a strategy: a picture on a terminal, else lines. */
type Show = {
  readonly show: (report: StatusReport, lost: Lost | undefined) => void;
  /** After a change of the size, whatever the terminal shows then. */
  readonly forget: () => void;
  readonly end: (report: StatusReport) => void;
};

class Watching {
  readonly #connection: Connection;
  readonly #options: ClusterOptions;
  readonly #io: Io;
  readonly #show: Show;
  readonly #stopping = new AbortController();
  readonly #ended = Promise.withResolvers<number>();
  #followed: Followed | undefined;
  #surroundings: Surroundings = NO_SURROUNDINGS;
  #isReading = false;

  constructor(connection: Connection, options: ClusterOptions, io: Io) {
    this.#connection = connection;
    this.#options = options;
    this.#io = io;
    this.#show = io.terminal ? onScreen(new Screen(io.terminal, io.hasColours), io) : asLines(io);
  }

  /** Resolves with the exit code. */
  async untilEnded(located: Located): Promise<number> {
    const interrupt = (): void => this.#ended.resolve(INTERRUPTED);
    process.once('SIGINT', interrupt);
    process.once('SIGTERM', interrupt);
    // The clock goes on without any change; a timer also keeps the process alive between two watches.
    const timer = setInterval(() => this.#draw(), SECOND);
    const endResizes = this.#io.terminal?.onResize(() => {
      this.#show.forget();
      this.#draw();
    });
    try {
      this.#take({ located, isDeleted: false });
      follow(this.#connection, located, (followed) => this.#take(followed), this.#stopping.signal);
      return await this.#ended.promise;
    } finally {
      this.#stopping.abort();
      clearInterval(timer);
      endResizes?.();
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
      this.#show.end(this.#report(located));
    }
  }

  #take(followed: Followed): void {
    this.#followed = followed;
    const { located, isDeleted } = followed;
    if (isDeleted)
      return this.#ended.reject(new CommandError(`${wordsOf(located)} was deleted while it was watched`));
    this.#draw();
    const { standing } = this.#report(located);
    if (standing === 'done' || standing === 'failed')
      return this.#ended.resolve(EXIT_CODES[EXITS[standing]].code);
    void this.#readSurroundings(located);
  }

  #draw(): void {
    if (this.#followed) this.#show.show(this.#report(this.#followed.located), this.#followed.lost);
  }

  #report(first: Located): StatusReport {
    const { located } = this.#followed ?? { located: first };
    return reportOf(located, this.#options, this.#io, Date.now(), this.#surroundings);
  }

  /** After a change during a drain, one read at a time. */
  async #readSurroundings({ strategy }: Located): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    const drains = drainingHosts(strategy).length > 0;
    // A picture has no place for notes; `careen status` has.
    const note = (): void => undefined;
    this.#surroundings = drains ? await readSurroundings(this.#connection, strategy, note) : NO_SURROUNDINGS;
    this.#isReading = false;
    this.#draw();
  }
}

function onScreen(screen: Screen, io: Io): Show {
  const { terminal } = io;
  const linesOf = (picture: Picture, size: Size): string[] =>
    styledLines(frameLines(picture, Date.now(), size));
  // The terminal shows its cursor again, whatever ends the process.
  process.once('exit', () => screen.close());
  return {
    show: (report, lost) => screen.draw(linesOf({ report, lost }, terminal?.size() ?? NO_TERMINAL)),
    forget: () => screen.forget(),
    end: (report) => {
      screen.close();
      const lines = linesOf({ report, isLast: true }, { columns: io.width, rows: Infinity });
      io.out(`${lines.join('\n')}\n`);
    },
  };
}

const NO_TERMINAL: Size = { columns: 80, rows: 24 };

function asLines(io: Io): Show {
  let before: StatusReport | undefined;
  let wasLost = false;
  const line = (text: string): void => io.out(`${new Date().toISOString().slice(0, 19)}Z ${text}\n`);
  return {
    show: (report, lost) => {
      if (lost && !wasLost) line(`the watch is interrupted, trying again: ${lost.why}`);
      if (!lost && wasLost) line('the watch continues');
      wasLost = lost !== undefined;
      for (const change of changesBetween(before, report)) line(change.replaceAll('\n', String.raw`\n`));
      before = report;
    },
    forget: () => undefined,
    end: () => undefined,
  };
}
