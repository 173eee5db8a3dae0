/** Several words as one phrase: `a`, `a and b`, `a, b and c`. */
export function enumerated(words: readonly string[], last: 'and' | 'or'): string {
  const before = words.slice(0, -1).join(', ');
  return before === '' ? words.join('') : `${before} ${last} ${words.slice(-1).join('')}`;
}
