/** Control characters, and characters that change the direction of text; line feeds and tabs are kept. */
const UNPRINTABLE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * The text with such characters as escapes of JSON, such as `\u001b`. A terminal would carry them out: whoever can name
 * an object, or deny a write, could move the cursor, or hide and replace what others read.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
