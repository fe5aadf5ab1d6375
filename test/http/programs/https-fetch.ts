import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createImageFetcher } from '../../../src/http/image-fetch.ts';

const [certificate, key] = process.argv.slice(2) as [string, string];
const names: string[] = [];
const server = createServer(
  {
    cert: readFileSync(certificate),
    key: readFileSync(key),
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  },
  (request, response) => {
    const { port } = server.address() as AddressInfo;
    const location = { '/down': `http://good.example:${port}/`, '/on': '/' }[request.url ?? ''];
    if (location === undefined) response.end(`picture for ${request.headers.host}`);
    else response.writeHead(302, { Location: location }).end();
  },
);
server.on('tlsClientError', () => {});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
const fetchImage = createImageFetcher({ policy: () => true, resolve: async () => ['127.0.0.1'] });
const outcomes: Record<string, string> = {};
for (const [what, host, path] of [
  ['right', 'good.example', '/'],
  ['dotted', 'good.example.', '/'],
  ['wrong', 'bad.example', '/'],
  ['literal', '127.0.0.1', '/'],
  ['on', 'good.example', '/on'],
  ['down', 'good.example', '/down'],
] as const) {
  outcomes[what] = await fetchImage(`https://${host}:${port}${path}`, 'a').then(
    (bytes) => bytes.toString().replace(String(port), 'PORT'),
    (error: { code: string }) => error.code,
  );
}
process.stdout.write(JSON.stringify({ outcomes, names: [...new Set(names)] }));
server.closeAllConnections();
server.close();
