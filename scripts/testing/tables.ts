/** Tables and lines for people who look at a terminal. */

/** Prints a table: the first column to the left, the numbers to the right. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  for (const row of all)
    print(
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    );
}

/** Prints one line. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
