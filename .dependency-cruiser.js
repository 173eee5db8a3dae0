/**
 * Finds circles of imports in src, types included: files that need each other are one idea, or a third one is missing.
 * Which folder may import which is in eslint.config.js.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
export default {
  forbidden: [
    {
      name: 'no-circle',
      severity: 'error',
      comment: 'These files import each other: put what both need into a file that imports neither.',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
