/**
 * `npm run bench:first-run`: from the start of the service with an empty folder to the first match, through the pages of
 * the first run, without the download of the models. Types as a person does.
 */
import { Dashboard, OWNER } from '../testing/dashboard.ts';
import { portrait } from '../testing/photographs.ts';
import { setupCodeOf } from '../testing/service.ts';

/** 40 words of five letters a minute. */
const KEY_MS = 300;

const began = performance.now();
let last = began;
function step(name: string): void {
  const now = performance.now();
  console.log(`${name.padEnd(42)} ${((now - last) / 1000).toFixed(1).padStart(6)} s`);
  last = now;
}

const dashboard = await Dashboard.open({ hasOwner: false, webcam: await portrait('anna') });
try {
  step('start of the service and the browser');
  const page = await dashboard.page();
  const type = (label: string, text: string) =>
    page.getByLabel(label).pressSequentially(text, { delay: KEY_MS, timeout: 0 });
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const title = (name: string) => page.getByRole('heading', { level: 1, name }).waitFor();
  await page.goto(dashboard.url);
  await title('Set up Visage');
  step('page of the set-up code');
  await type('Set-up code', await setupCodeOf(dashboard.service.child));
  await type('Your name', OWNER.name);
  await type('E-mail', OWNER.email);
  await type('Password', OWNER.password);
  await press('Create the owner');
  await title('Create a collection');
  step('owner');
  await type('Name', 'staff');
  await press('Create the collection');
  await title('Create an API key');
  step('collection');
  await press('Create the key');
  await press('I have copied it');
  await title('Find yourself');
  step('API key');
  await press('Use webcam');
  await press('Take photo');
  await page.getByText(/^Visage knows grace\.hopper now/).waitFor({ timeout: 60_000 });
  step('own photo by webcam');
  const chooser = page.waitForEvent('filechooser');
  await press('Choose image');
  const buffer = await portrait('annaElsewhere');
  await (await chooser).setFiles({ name: 'elsewhere.jpg', mimeType: 'image/jpeg', buffer });
  await page.getByRole('status').getByText('grace.hopper', { exact: true }).waitFor();
  step('first match');
  console.log(`${'in all'.padEnd(42)} ${((last - began) / 1000).toFixed(1).padStart(6)} s`);
} finally {
  await dashboard.stop();
}
