/**
 * npm's `install` hook. Without it, `binding.gyp` would make npm compile on every `npm install`, before the libraries
 * are there. `npm rebuild` asks for the build and gets it; any other command leaves it to `npm run setup`.
 */
import { setUpOrExit } from './setup/set-up.mjs';

if (process.env.npm_command === 'rebuild') await setUpOrExit();
