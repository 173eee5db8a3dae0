/** The wait for the programs of the control plane, and what is shown meanwhile. */
import { controlPlaneBinaries } from '../../test/support/controlplane/binaries.ts';
import { careen } from '../../test/support/operator/careen-cli.ts';

const EXAMPLE = ['-f', 'examples/patch-strategy.yaml', '--fleet', 'examples/fleet.yaml'];
const SHOWN = [
  {
    what: 'The plan of an example. It needs no cluster, only a file about one',
    command: ['plan', ...EXAMPLE],
  },
  { what: 'The same plan, carried out on simulated hosts', command: ['simulate', ...EXAMPLE] },
];

/** Builds the programs when they are not built yet, and shows meanwhile what needs no cluster. */
export async function untilBuilt(print: (text: string) => void): Promise<void> {
  let shown: Promise<void> | undefined;
  await controlPlaneBinaries({
    progress: (line) => {
      print(line);
      shown ??= showWithoutCluster(print);
    },
  });
  await shown;
}

/** One text per command, so that the progress of the build stands between them, never within. */
async function showWithoutCluster(print: (text: string) => void): Promise<void> {
  for (const { what, command } of SHOWN) {
    const { out, err } = await careen(command);
    print(`\n${what}:\n\n  npx careen ${command.join(' ')}\n\n${indented(out + err)}`);
  }
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
