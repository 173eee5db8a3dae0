/**
 * What to try in the demonstration's cluster. test/long/demo.test.ts runs every command as it is printed.
 */
import { WORK_SECONDS_ANNOTATION } from '../../test/support/hosts/host-standin.ts';

/** A line for a shell. With `shows` it only observes, and its output fits at the latest after a while. */
export type Command = { readonly line: string; readonly shows?: RegExp };

export type Lesson = {
  readonly title: string;
  /** Commands, and sentences about those that follow. */
  readonly parts: readonly (Command | string)[];
};

/** For the shell of the reader, before any lesson: the example as an order for another kernel. */
export const KERNEL_FUNCTION = String.raw`kernel() {
  sed -E "s/6\.12\.48/$1/; s/kernel-2026-11/kernel-$1/; s/^  (controller|storage)ApplyType: .*/  \1ApplyType: ignore/" \
    examples/patch-strategy.yaml | kubectl apply -f -
}`;

export const LESSONS: readonly Lesson[] = [
  {
    title: 'Another kernel. The simulated hosts take every kernel-X.Y.Z.',
    parts: [
      { line: 'kernel 6.12.52' },
      'The plan waits for you. Read it, have it carried out, and follow it to its end:',
      { line: 'npx careen status kernel-6.12.52', shows: /7 hosts in 3 stages/ },
      { line: 'npx careen apply kernel-6.12.52' },
      { line: 'npx careen watch kernel-6.12.52' },
      {
        line: 'kubectl get nodes -o custom-columns=NAME:.metadata.name,KERNEL:.status.nodeInfo.kernelVersion',
        shows: /worker-6 +6\.12\.52/,
      },
    ],
  },
  {
    title: 'A pause: a paused pool begins no stage, whatever its strategies say.',
    parts: [
      pool({ paused: true }),
      { line: 'kernel 6.12.53' },
      { line: 'npx careen apply --no-wait kernel-6.12.53' },
      { line: 'npx careen status kernel-6.12.53', shows: /paused/ },
      pool({ paused: false }),
      { line: 'npx careen watch kernel-6.12.53' },
    ],
  },
  {
    title: 'A host that somebody uncordons in the middle. It is slow, so that you have time to do it.',
    parts: [
      slow('worker-0'),
      { line: 'kernel 6.12.54' },
      { line: 'npx careen apply kernel-6.12.54' },
      cordoned('worker-0'),
      { line: 'kubectl uncordon worker-0' },
      'Nothing more is begun on it, and Careen says so. Cordon it again, and the run goes on:',
      { line: 'npx careen status kernel-6.12.54', shows: /worker-0 was uncordoned/ },
      { line: 'npx careen explain worker-0', shows: /uncordoned/ },
      { line: 'kubectl cordon worker-0' },
      { line: 'npx careen watch kernel-6.12.54' },
      atSpeed('worker-0'),
    ],
  },
  {
    title: 'A budget that blocks: no pod of "web" may leave its host.',
    parts: [
      budget(0),
      { line: 'kernel 6.12.55' },
      { line: 'npx careen apply kernel-6.12.55' },
      'The drain waits; the status names the pod, its host, the budget, and what to do:',
      { line: 'npx careen status kernel-6.12.55', shows: /web[^]*budget/i },
      'Permit it, and the run goes on:',
      budget(1),
      { line: 'npx careen watch kernel-6.12.55' },
    ],
  },
  {
    title: 'An abort: running work is awaited, then the hosts are given back.',
    parts: [
      slow('worker-0'),
      { line: 'kernel 6.12.56' },
      { line: 'npx careen apply kernel-6.12.56' },
      cordoned('worker-0'),
      { line: 'npx careen explain worker-0', shows: /kernel-6\.12\.56/ },
      { line: 'npx careen abort kernel-6.12.56' },
      { line: 'npx careen status kernel-6.12.56', shows: /aborted/ },
      { line: 'kubectl get nodes', shows: /worker-0 +Ready +</ },
      atSpeed('worker-0'),
    ],
  },
];

/** What else there is to see, after these. */
export const MORE: readonly Command[] = [
  { line: 'npx careen status', shows: /kernel-6\.12\.52/ },
  { line: 'kubectl get patchstrategy', shows: /kernel-6\.12\.52/ },
  { line: 'kubectl get hostpool default -o yaml', shows: /maxUnavailable/ },
  { line: 'kubectl explain patchstrategy.spec', shows: /patches/ },
];

function pool(spec: { readonly paused: boolean }): Command {
  return { line: `kubectl patch hostpool default --type=merge -p '${JSON.stringify({ spec })}'` };
}

function budget(maxUnavailable: number): Command {
  return {
    line: `kubectl -n default patch pdb web --type=merge -p '${JSON.stringify({ spec: { maxUnavailable } })}'`,
  };
}

function slow(host: string): Command {
  return { line: `kubectl annotate node ${host} ${WORK_SECONDS_ANNOTATION}=20` };
}

function atSpeed(host: string): Command {
  return { line: `kubectl annotate node ${host} ${WORK_SECONDS_ANNOTATION}-` };
}

function cordoned(host: string): Command {
  return { line: `kubectl wait --for=jsonpath='{.spec.unschedulable}'=true --timeout=1m node/${host}` };
}

export function printTryNext(kubeconfig: string): void {
  console.log(`Everything keeps running. In another terminal, in this folder:

  export KUBECONFIG=${kubeconfig}
${indented(KERNEL_FUNCTION)}

Try next, in this order or another. Each kernel goes to the workers only, which takes about 20 seconds.`);
  LESSONS.forEach(({ title, parts }, i) => {
    console.log(`\n${String(i + 1)}. ${title}`);
    for (const part of parts) console.log(typeof part === 'string' ? `   ${part}` : `     ${part.line}`);
  });
  console.log(`
More to see:

${indented(MORE.map(({ line }) => line).join('\n'))}

End it with Ctrl-C.`);
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
