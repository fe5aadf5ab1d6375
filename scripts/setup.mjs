/** `npm run setup`: installs and builds what is missing. */
import { setUpOrExit } from './setup/set-up.mjs';

await setUpOrExit();
console.error('[set-up] everything is installed and built');
