/** A terminal on which pictures are drawn in place, on its second screen: the first one stays as it was. */
import { withStyles } from '../text/style.ts';
import type { Size } from './frame.ts';

export type Terminal = {
  /** Writes as it is. */
  readonly write: (text: string) => void;
  readonly size: () => Size;
  /** Calls back when the size has changed; returns what ends that. */
  readonly onResize: (listener: () => void) => () => void;
};

const ESCAPE = '\u001b[';
/** The second screen, without a cursor. */
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l`;
const LEAVE = `${ESCAPE}?25h${ESCAPE}?1049l`;
const HOME = `${ESCAPE}H`;
const CLEAR_LINE = `${ESCAPE}K`;
const CLEAR_BELOW = `${ESCAPE}J`;

export class Screen {
  readonly #terminal: Terminal;
  readonly #hasColours: boolean;
  #state: 'new' | 'open' | 'closed' = 'new';
  #drawn = '';

  constructor(terminal: Terminal, hasColours: boolean) {
    this.#terminal = terminal;
    this.#hasColours = hasColours;
  }

  /** Replaces the picture in one write, so that nothing flickers. Draws nothing once it is closed. */
  draw(lines: readonly string[]): void {
    if (this.#state === 'closed') return;
    const text = lines.map((line) => withStyles(line, this.#hasColours) + CLEAR_LINE).join('\r\n');
    const picture = HOME + text + CLEAR_BELOW;
    if (picture === this.#drawn) return;
    this.#terminal.write(this.#state === 'new' ? ENTER + picture : picture);
    this.#state = 'open';
    this.#drawn = picture;
  }

  /** The next picture is drawn even if it is the same: a terminal whose size has changed may show anything. */
  forget(): void {
    this.#drawn = '';
  }

  /** Shows the first screen and the cursor again. Safe to call twice. */
  close(): void {
    if (this.#state === 'open') this.#terminal.write(LEAVE);
    this.#state = 'closed';
  }
}
