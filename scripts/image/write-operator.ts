/**
 * Writes the operator as files of an image whose Node comes from elsewhere: for the Dockerfile.
 *
 *     node scripts/image/write-operator.ts FOLDER
 */
import { bundle } from './bundle.ts';
import { writeOperator } from './root-folder.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node scripts/image/write-operator.ts FOLDER');
await writeOperator(folder, await bundle('src/main.ts'));
