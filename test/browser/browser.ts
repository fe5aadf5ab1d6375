/** A real browser, without a window. */
import { type Browser, chromium } from 'playwright-core';

/** Debian's Chromium, which set-up installs for the tests. */
const PROGRAM = '/usr/bin/chromium';

/** Starts a browser that asks nobody for anything but the pages that it is sent to. @param options more of Chromium. */
export function startBrowser(options: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: PROGRAM,
    // Chromium's own sandbox does not start for root, as whom the tests may run.
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
