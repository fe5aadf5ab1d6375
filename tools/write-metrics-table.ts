/** `npm run metrics-table`: writes the table of metrics into `docs/monitoring.md`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { exposition, familiesOf, metricsTable, TABLE_IN_MANUAL } from '../testing/exposition.ts';

const file = fileURLToPath(new URL('../../docs/monitoring.md', import.meta.url));
const table = metricsTable(familiesOf(await exposition()).values());
const text = readFileSync(file, 'utf8');
writeFileSync(
  file,
  text.replace(TABLE_IN_MANUAL, (_, begin, _rows, end) => begin + table + end),
);
