import { type Browser, chromium } from 'playwright-core';

/** Without the windows and pages of a desktop browser, which cost a test more than its own page. */
const PROGRAM = '/usr/bin/chromium-headless-shell';

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
