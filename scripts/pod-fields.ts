/** The table of docs/reference/pod-fields.md: who decides about each field of a pod template. */
import { POD_TEMPLATE, type Field } from '../src/planner/policy/pod-shape.ts';

type Row = { readonly at: string; readonly names: readonly string[]; readonly who: string };

const INTRODUCTION = `# Fields of a pod

<!-- Made by \`npm run generate\` from src/planner/policy/pod-shape.ts. Do not edit. -->

As soon as \`spec.actionPolicy\` of a [HostPool](host-pool.md#what-jobs-may-do) sets a rule, only these fields of \`job.template\` are admitted, each as the last column says. A field that is not in the table is refused, also one that a later Kubernetes adds.

- *always*: admitted, with all fields below it.
- *never*: refused by every policy, also when it is empty.
- The name of a rule: the rule decides. Values after *except* are harmless, and no rule needs to admit them.
- \`container.apparmor.security.beta.kubernetes.io/…\` among the annotations: \`privileged\` decides, except about \`runtime/default\`.
- Below a field that a rule decides about, fields without a row of their own are admitted with it.

`;

/** The whole document. */
export function podFieldsDocument(): string {
  const seen = new Map<Field, string>();
  const rows = rowsBelow(POD_TEMPLATE, 'template', seen, true);
  const lines = rows.map(({ at, names, who }) => `| \`${at}\` | ${names.join(', ')} | ${who} |`);
  return `${INTRODUCTION}| in | field | who decides |\n| --- | --- | --- |\n${lines.join('\n')}\n`;
}

/** `listsAlways` is false below a field that a rule decides about. */
function rowsBelow(field: Field, at: string, seen: Map<Field, string>, listsAlways: boolean): Row[] {
  const { object, list } = field;
  if (list) return rowsBelow(list, `${at}[]`, seen, listsAlways);
  if (!object) return [];
  const children = Object.entries(object.fields);
  const named = object.named?.('');
  const all: [string, Field][] = named ? [...children, [ANY, named]] : children;
  const own = Map.groupBy(
    all.filter(([, child]) => decides(child) || isAlways(child)),
    ([, child]) => whoDecides(child),
  );
  const rows = [...own].filter(([who]) => listsAlways || who !== 'always');
  return [
    ...rows.map(([who, fields]) => ({ at, names: fields.map(([name]) => quoted(name)), who })),
    ...all.filter(([, child]) => !isAlways(child)).flatMap(([name, child]) => below(name, child)),
  ];

  function below(name: string, child: Field): Row[] {
    const place = seen.get(child);
    if (place !== undefined) return [{ at, names: [quoted(name)], who: `as \`${place}\`` }];
    const path = name === ANY ? `${at}.*` : `${at}.${name}`;
    const found = rowsBelow(child, path, seen, listsAlways && !decides(child));
    if (found.length > 1) seen.set(child, path);
    return found;
  }
}

const ANY = 'any other name';

function quoted(name: string): string {
  return name === ANY ? ANY : `\`${name}\``;
}

function decides({ by }: Field): boolean {
  return by === 'never' || by.length > 0;
}

function isAlways(field: Field): boolean {
  const { list, object } = field;
  if (decides(field)) return false;
  if (list) return isAlways(list);
  const named = object?.named?.('');
  return [...Object.values(object?.fields ?? {}), ...(named ? [named] : [])].every(isAlways);
}

function whoDecides({ by, harmless = [] }: Field): string {
  const who = by === 'never' ? 'never' : by.map((rule) => RULE_NAMES[rule] ?? `\`${rule}\``).join(', ');
  const except = harmless.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  return `${who || 'always'}${except === '' ? '' : `, except ${except}`}`;
}

const RULE_NAMES: Readonly<Record<string, string>> = { tokens: '`serviceAccounts`' };
