/**
 * npm's `install` hook, which `.npmrc` disables. With scripts enabled, `binding.gyp` would make npm compile
 * before the libraries are there. This hook builds only for `npm rebuild --ignore-scripts=false`.
 */
import { setUpOrExit } from './setup/set-up.mjs';

if (process.env.npm_command === 'rebuild') await setUpOrExit();
