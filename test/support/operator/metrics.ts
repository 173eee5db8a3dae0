/** Reads the Prometheus metrics of a process. */
import { fetch } from 'undici';

/** The metrics at one moment; `value` is 0 for a missing series. */
export type Metrics = {
  readonly text: string;
  readonly value: (series: string) => number;
};

/** Reads the metrics at an address. A series is written as in the text: `name{label="value"}`. */
export async function readMetrics(address: string): Promise<Metrics> {
  const text = await (await fetch(`${address}/metrics`)).text();
  const values = new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, number] => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
  );
  return { text, value: (series) => values.get(series) ?? 0 };
}
