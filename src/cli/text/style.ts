/**
 * Colours of a terminal. What is printed may hold text of strangers, so every escape in it is made harmless before it
 * is written. A style is therefore a mark, from the code points that Unicode leaves to programs, which becomes an escape
 * after that. Pure.
 */
const STYLES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33' } as const;
export type Style = keyof typeof STYLES;

const NAMES = Object.keys(STYLES).filter((name): name is Style => name in STYLES);
const FIRST_MARK = 0xe000;
const END = String.fromCharCode(FIRST_MARK + NAMES.length);
const ANY_MARK = new RegExp(`[${String.fromCharCode(FIRST_MARK)}-${END}]`, 'g');

/** The text in a style. Its length has two more characters: lay out first, then style. */
export function styled(style: Style, text: string): string {
  return `${String.fromCharCode(FIRST_MARK + NAMES.indexOf(style))}${text}${END}`;
}

/** Replaces the marks of styles by the escapes of a terminal; without colours, removes them. */
export function withStyles(text: string, hasColours: boolean): string {
  return text.replace(ANY_MARK, (mark) => {
    if (!hasColours) return '';
    const name = NAMES[mark.charCodeAt(0) - FIRST_MARK];
    return `\u001b[${name === undefined ? '0' : STYLES[name]}m`;
  });
}
