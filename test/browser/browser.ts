import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Without the windows and pages of a desktop browser, which cost a test more than its own page. */
const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell';

// At the import: a test that has started its service would wait for the runner's limit.
if (!existsSync(PROGRAM)) {
  throw new Error(
    `This file needs Chromium at ${PROGRAM}: run \`sudo apt-get install chromium-headless-shell\`.`,
  );
}

export function startBrowser(options: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: PROGRAM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...options,
    ],
  });
}
