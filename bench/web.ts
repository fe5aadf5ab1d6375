/**
 * `npm run bench:web -- [loads]`: how long the dashboard takes until a reader can use it, in Chromium with
 * the processor slowed down four times, on loopback. A page is interactive when its heading shows and the
 * last long task before it has ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { Dashboard } from '../testing/dashboard.ts';

const SLOWDOWN = 4;
const loads = Number(process.argv[2] ?? 9);

const WATCH = `
  window.longTasks = [];
  new PerformanceObserver((list) => window.longTasks.push(...list.getEntries()))
    .observe({ type: 'longtask', buffered: true });
  new MutationObserver((_, observer) => {
    const title = document.querySelector('h1');
    if (!title || title.textContent !== 'Overview') return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.shownAt = performance.now(); }));
  }).observe(document, { subtree: true, childList: true, characterData: true });
`;
const INTERACTIVE = `
  Math.max(shownAt, ...longTasks.filter((task) => task.startTime < shownAt).map((task) => task.startTime + task.duration))
`;

async function timeOf(page: Page, url: string): Promise<number> {
  await page.goto(url);
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  while (!(await page.evaluate('window.shownAt'))) await sleep(20);
  return (await page.evaluate(INTERACTIVE)) as number;
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const dashboard = await Dashboard.open();
try {
  const page = await dashboard.loggedIn();
  await page.addInitScript(WATCH);
  const client = await page.context().newCDPSession(page);
  await client.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
  for (const kind of ['cold', 'warm'] as const) {
    await client.send('Network.enable');
    await client.send('Network.setCacheDisabled', { cacheDisabled: kind === 'cold' });
    const times: number[] = [];
    for (let load = 0; load < loads; load++) times.push(await timeOf(page, dashboard.url));
    const [least, most] = [Math.min(...times), Math.max(...times)].map(Math.round);
    console.log(
      `${kind}: interactive in ${Math.round(median(times))} ms, ${least} to ${most} ms, ${loads} loads`,
    );
  }
} finally {
  await dashboard.stop();
}
