/**
 * Properties draw the same values in each run, so that a suite that was green stays green. `PROPERTY_SEED` draws others:
 * a number, or `random`, where the report of a failure names the seed.
 */
import fc from 'fast-check';

const { PROPERTY_SEED = '1' } = process.env;

if (PROPERTY_SEED !== 'random') fc.configureGlobal({ seed: Number.parseInt(PROPERTY_SEED, 10) });
