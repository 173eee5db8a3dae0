/** Reads what a process serves for Prometheus. */
import { fetch } from 'undici';

/** One look at the metrics; `value` is 0 for a series that is not there. */
export type Metrics = {
  readonly text: string;
  readonly value: (series: string) => number;
};

/** Reads the metrics that are served at an address. A series is written as it is in the text: `name{label="value"}`. */
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
