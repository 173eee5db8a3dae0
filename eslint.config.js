/**
 * Lint rules: type-aware correctness, the direction of imports, and the purity
 * of the functional core. Layout is prettier's business, not ESLint's.
 *
 * A new folder in src: add it to LAYERS. A package that a pure folder may use:
 * add it to PURE.
 */
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Each folder of src, and the other folders of src that it may import. */
const LAYERS = {
  http: [],
  kube: ['http'],
  openstack: ['http'],
  crds: [],
  planner: ['crds'],
  engine: ['crds', 'planner'],
  status: ['crds', 'planner', 'engine'],
  telemetry: ['http', 'kube', 'crds'],
  hostops: ['http', 'kube', 'openstack', 'crds', 'planner', 'engine'],
  resources: ['kube', 'crds'],
  tenants: ['http', 'crds', 'planner', 'engine'],
  gateway: ['http', 'crds', 'planner', 'engine', 'tenants'],
  leadership: ['kube'],
  controllers: [
    ...['http', 'kube', 'crds', 'planner', 'engine', 'status', 'telemetry'],
    ...['hostops', 'resources', 'leadership', 'tenants'],
  ],
  cli: ['kube', 'crds', 'planner', 'engine', 'status', 'hostops', 'resources'],
};

/** The folders without I/O, clock or chance, and the only packages that they may import. */
const PURE = {
  crds: ['zod', 'node:crypto'],
  planner: ['zod', 'node:util', 'node:crypto'],
  engine: ['zod', 'node:util'],
  status: ['zod', 'node:util'],
};

/**
 * The folders of hostops, and the other folders of hostops that each may import. An adapter of the port may import the
 * port and the host Jobs, never another adapter.
 */
const HOSTOPS_PARTS = { jobs: [], kubernetes: ['jobs'], openstack: ['jobs'], simulated: [] };

/** Single files without I/O, clock or chance in other folders, and the only packages that they may import. */
const PURE_FILES = {
  'kube/resource-versions.ts': ['zod'],
  'leadership/lease-verdict.ts': ['zod'],
  'tenants/cloud-event.ts': [],
  'tenants/event-alarm.ts': [],
  'tenants/webhook-status.ts': [],
};

/** The globals of the platform that a pure folder may not use, by what they would bring in. */
const IMPURE_GLOBALS = {
  time: ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance'],
  'I/O': ['fetch', 'WebSocket', 'EventSource', 'console'],
  chance: ['crypto'],
  'the environment': ['process', 'global', 'globalThis', 'navigator'],
};

const notFromSrc = [
  { regex: String.raw`^(\.{1,2}/)+(test|scripts)/`, message: 'Code in src does not know tests or scripts.' },
  {
    regex: String.raw`(^|/)src/|[^./]/\.\./|^(/|file:|data:)`,
    message: 'Write the shortest relative path, so that the direction of imports can be checked.',
  },
];
const noProcessModule = {
  name: 'node:process',
  message: 'Only src/main.ts and src/careen.ts read the environment; take a parameter.',
};
const noBareProcessModule = { ...noProcessModule, name: 'process' };
const noEnvironment = [
  { object: 'process', property: 'env' },
  { object: 'globalThis', property: 'process' },
].map((access) => ({ ...access, message: noProcessModule.message }));
const staticImportsOnly = {
  selector: 'ImportExpression',
  message: 'Import statically, so that the direction of imports can be checked.',
};

/** Refuses relative imports from outside of these folders. */
function refuseFolders(folders, message) {
  return { regex: String.raw`^(\.{1,2}/)+((${folders.join('|')})/|(main|careen)\.ts$)`, message };
}

function directionOf(folder, allowed = LAYERS[folder]) {
  const refused = Object.keys(LAYERS).filter((other) => other !== folder && !allowed.includes(other));
  const may = allowed.length > 0 ? `may import only ${allowed.join(', ')}` : 'imports nothing else of ours';
  return refuseFolders(refused.length > 0 ? refused : ['main'], `src/${folder} ${may}.`);
}

function foreignImports(name, packages) {
  const allowed = packages.map((each) => `|${each}(/|$)`).join('');
  return [
    {
      regex: String.raw`^(?!\.{1,2}/${allowed})`,
      message: `src/${name} is pure: besides our own code it imports only ${packages.join(', ') || 'nothing'}.`,
    },
    {
      regex: '^node:crypto$',
      allowImportNames: ['createHash'],
      message: 'Pure code may compute digests (createHash), nothing else of node:crypto.',
    },
  ];
}

function importRule(...patterns) {
  return ['error', { paths: [noProcessModule, noBareProcessModule], patterns: [...notFromSrc, ...patterns] }];
}

function layerConfig(folder) {
  const pure = folder in PURE ? foreignImports(folder, PURE[folder]) : [];
  return {
    name: `careen/imports/${folder}`,
    files: [`src/${folder}/**/*.ts`],
    rules: { 'no-restricted-imports': importRule(directionOf(folder), ...pure) },
  };
}

function pureFileConfig(file) {
  const [folder] = file.split('/');
  return {
    name: `careen/imports/${file}`,
    files: [`src/${file}`],
    rules: {
      'no-restricted-imports': importRule(directionOf(folder), ...foreignImports(file, PURE_FILES[file])),
    },
  };
}

function hostopsPartConfig(part) {
  const others = Object.keys(HOSTOPS_PARTS).filter(
    (other) => other !== part && !HOSTOPS_PARTS[part].includes(other),
  );
  const apart = refuseFolders(others, `src/hostops/${part} does not know src/hostops/${others.join(', ')}.`);
  return {
    name: `careen/imports/hostops/${part}`,
    files: [`src/hostops/${part}/**/*.ts`],
    rules: { 'no-restricted-imports': importRule(directionOf('hostops'), apart) },
  };
}

const purity = {
  name: 'careen/purity',
  files: [
    ...Object.keys(PURE).map((folder) => `src/${folder}/**/*.ts`),
    ...Object.keys(PURE_FILES).map((file) => `src/${file}`),
  ],
  rules: {
    'no-restricted-globals': [
      'error',
      ...Object.entries(IMPURE_GLOBALS).flatMap(([what, names]) =>
        names.map((name) => ({ name, message: `This folder is pure: ${what} comes in as an argument.` })),
      ),
    ],
    'no-restricted-properties': [
      'error',
      ...noEnvironment,
      { object: 'Date', property: 'now', message: 'This folder is pure: time is an argument.' },
      { object: 'AbortSignal', property: 'timeout', message: 'This folder is pure: time is an argument.' },
      {
        object: 'Math',
        property: 'random',
        message: 'This folder is pure: equal inputs give equal results.',
      },
    ],
    'no-restricted-syntax': [
      'error',
      staticImportsOnly,
      {
        selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
        message: 'This folder is pure: time is an argument.',
      },
      {
        selector: 'CallExpression[callee.name="Date"]',
        message: 'This folder is pure: time is an argument.',
      },
    ],
  },
};

const source = {
  name: 'careen/src',
  files: ['src/**/*.ts'],
  rules: {
    'no-restricted-imports': importRule(),
    'no-restricted-properties': ['error', ...noEnvironment],
    'no-restricted-syntax': ['error', staticImportsOnly],
  },
};

const entry = {
  name: 'careen/entry',
  files: ['src/main.ts', 'src/careen.ts'],
  rules: {
    'no-restricted-imports': ['error', { patterns: notFromSrc }],
    'no-restricted-properties': 'off',
  },
};

const tests = {
  name: 'careen/test',
  files: ['test/**/*.ts'],
  rules: {
    'no-restricted-syntax': [
      'error',
      {
        selector: 'CallExpression[callee.property.name="toMatchObject"] Property > Literal[regex]',
        message:
          'toMatchObject takes every text for a match of a regular expression: use expect.stringMatching.',
      },
    ],
  },
};

/** Loads the operator only for the one command that starts it. */
const lazyEntry = {
  name: 'careen/lazy-entry',
  files: ['src/careen.ts'],
  rules: { 'no-restricted-syntax': 'off' },
};

/** ESLint's own rules for mistakes that the compiler does not find. */
const mistakes = {
  name: 'careen/mistakes',
  rules: {
    eqeqeq: 'error',
    'no-async-promise-executor': 'error',
    'no-case-declarations': 'error',
    'no-constant-binary-expression': 'error',
    'no-control-regex': 'error',
    'no-debugger': 'error',
    'no-duplicate-case': 'error',
    'no-empty': 'error',
    'no-empty-character-class': 'error',
    'no-loss-of-precision': 'error',
    'no-self-assign': 'error',
    'no-self-compare': 'error',
    'no-sparse-arrays': 'error',
    'no-unreachable-loop': 'error',
    'no-unsafe-finally': 'error',
    'no-unsafe-optional-chaining': 'error',
    'no-unused-labels': 'error',
    'no-useless-catch': 'error',
    'no-useless-escape': 'error',
    'use-isnan': 'error',
    'max-lines': ['warn', { max: 400 }],
  },
};

const typescript = {
  name: 'careen/typescript',
  files: ['**/*.ts'],
  extends: [tseslint.configs.strictTypeChecked],
  languageOptions: {
    parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
  },
  rules: {
    '@typescript-eslint/ban-ts-comment': [
      'error',
      { 'ts-expect-error': true, 'ts-ignore': true, 'ts-nocheck': true },
    ],
    '@typescript-eslint/consistent-type-exports': 'error',
    '@typescript-eslint/consistent-type-imports': 'error',
    '@typescript-eslint/no-confusing-void-expression': [
      'error',
      { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
    ],
    '@typescript-eslint/no-explicit-any': 'error',
    '@typescript-eslint/no-floating-promises': 'error',
    '@typescript-eslint/no-import-type-side-effects': 'error',
    '@typescript-eslint/no-non-null-assertion': 'error',
    '@typescript-eslint/no-unnecessary-condition': [
      'error',
      { allowConstantLoopConditions: 'only-allowed-literals' },
    ],
    // The Kubernetes client's models are classes in name only: it takes and returns plain objects.
    '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    '@typescript-eslint/no-unused-vars': [
      'error',
      { argsIgnorePattern: '^_', varsIgnorePattern: '^_$', ignoreRestSiblings: true },
    ],
    // An adapter that has its answer at once must still be async, because its port is.
    '@typescript-eslint/require-await': 'off',
    '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  },
};

export default defineConfig(
  globalIgnores(['node_modules/', 'coverage/', 'dist/', '.stryker/', 'deploy/']),
  { name: 'careen/linter', linterOptions: { reportUnusedDisableDirectives: 'error' } },
  mistakes,
  typescript,
  source,
  purity,
  Object.keys(LAYERS).map(layerConfig),
  Object.keys(PURE_FILES).map(pureFileConfig),
  Object.keys(HOSTOPS_PARTS).map(hostopsPartConfig),
  entry,
  lazyEntry,
  tests,
);
