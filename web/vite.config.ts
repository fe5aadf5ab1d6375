import { defineConfig, type Plugin } from 'vite';

/** Where `npm run web:dev` finds the service. */
const SERVICE = process.env.VISAGE_URL ?? 'http://127.0.0.1:8080';

/** Paths of the service; every other path is the dashboard's. */
const SERVICE_PATHS = ['/v1', '/auth', '/livez', '/readyz', '/openapi.json', '/swagger', '/.well-known'];

/** Writes the names of the npm packages whose code the pages carry, for the licences of the Debian package. */
function listPackages(): Plugin {
  return {
    name: 'list-packages',
    apply: 'build',
    generateBundle(_options, bundle) {
      const sources = Object.values(bundle).flatMap((file) =>
        file.type === 'chunk' ? Object.keys(file.modules) : file.originalFileNames,
      );
      const names = sources.flatMap((source) => {
        const [name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.slice(1) ?? [];
        return name === undefined ? [] : [name];
      });
      const text = [...new Set(names)].sort().map((name) => `${name}\n`);
      this.emitFile({ type: 'asset', fileName: 'packages.txt', source: text.join('') });
    },
  };
}

/** Leaves out React Aria's texts in languages that the pages do not speak; it then takes English. */
function keepLanguages(): Plugin {
  return {
    name: 'keep-languages',
    apply: 'build',
    enforce: 'pre',
    load(id) {
      const [, language] = /\/react-(?:aria|stately)\/.*\/intl\/.*\/([a-z]{2}-[A-Z]{2})\.mjs$/.exec(id) ?? [];
      return language === undefined || ['en-US', 'de-DE'].includes(language)
        ? null
        : 'export default undefined';
    },
  };
}

/** Modules that most screens share, or that the overview needs at once. */
const PARTS = [
  /\/src\/ui\/(badge|card|face-image|segmented|table|chart\/(chart|series))\./,
  /\/src\/screens\/(overview\/(?!index|en|de)|live\/event-(words|calls))/,
  /\/(Meter|circle-exclamation-point)\.m?js/,
];

const FIRST_SCREEN = '/src/screens/overview/index.tsx';

/** Loads the files of the overview beside those of the frame, not after them. */
function preloadOverview(): Plugin {
  return {
    name: 'preload-overview',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {} }) {
        const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
        const screen = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(FIRST_SCREEN));
        if (!screen) throw new Error('The build has no overview');
        const needed = [screen, ...chunks.filter(({ fileName }) => screen.imports.includes(fileName))];
        const styles = needed.flatMap(({ viteMetadata }) => [...(viteMetadata?.importedCss ?? [])]);
        const link = (rel: string) => (file: string) => ({
          tag: 'link',
          attrs: { rel, crossorigin: true, href: `/${file}` },
          injectTo: 'head' as const,
        });
        const isNew = (file: string) => !html.includes(file);
        return [
          ...needed
            .map(({ fileName }) => fileName)
            .filter(isNew)
            .map(link('modulepreload')),
          ...styles.filter(isNew).map(link('stylesheet')),
        ];
      },
    },
  };
}

export default defineConfig({
  plugins: [listPackages(), keepLanguages(), preloadOverview()],
  root: import.meta.dirname,
  oxc: { jsx: { runtime: 'automatic', importSource: 'react' } },
  build: {
    outDir: process.env.VISAGE_WEB_OUT ?? '../dist-web',
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // The content policy forbids data URLs for scripts, styles and fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Few files: each one costs a slow machine milliseconds before anything shows.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'app', tags: ['$initial'], priority: 2 },
            { name: 'parts', test: (id) => PARTS.some((part) => part.test(id)), priority: 1 },
          ],
        },
      },
    },
    reportCompressedSize: false,
  },
  server: {
    port: 5173,
    strictPort: true,
    // The service compares `Origin` with `Host`, so the proxy keeps the browser's `Host`.
    proxy: Object.fromEntries(SERVICE_PATHS.map((path) => [path, { target: SERVICE, changeOrigin: false }])),
  },
});
