/** A number of things: `1 host`, `2 hosts`. */
export function counted(amount: number, what: string): string {
  return `${String(amount)} ${what}${amount === 1 ? '' : 's'}`;
}
