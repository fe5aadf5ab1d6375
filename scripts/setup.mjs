/** `npm run setup`: installs and builds what is missing, and nothing else. */
import { setUpOrExit } from './setup/set-up.mjs';

await setUpOrExit();
console.error('[set-up] everything is in place');
