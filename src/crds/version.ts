import packageJson from '../../package.json' with { type: 'json' };

/** The version of this software; of its charts and its image, too. */
export const VERSION: string = packageJson.version;
