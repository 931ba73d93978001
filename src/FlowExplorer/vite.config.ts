import { defineConfig } from 'vite';

// What `npm run dev` leaves to a service: that of FLOW_SERVICE.
const Paths = ['/models', '/logprob', '/score', '/sample', '/encode', '/decode', '/interpolate', '/layers', '/metrics', '/health', '/swagger'];

// The same sources give the same files: names hold the hash of their content, and nothing says when or where they were built.
export default defineConfig({
  base: './',
  build: {
    target: 'es2023',
    assetsDir: 'explorer',
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    license: { fileName: 'explorer/licences.md' },
  },
  server: { proxy: Object.fromEntries(Paths.map(path => [path, { target: process.env.FLOW_SERVICE ?? 'http://localhost:8080', headers: { Origin: '' } }])) },
});
