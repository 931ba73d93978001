// Builds the sources aside and compares each file with the committed one, byte by byte.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const fresh = mkdtempSync(join(tmpdir(), 'flow-explorer-'));

function files(folder) {
  const found = new Map();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      found.set(relative(folder, path), readFileSync(path));
    }
  return found;
}

try {
  const run = (program, ...args) => execFileSync(process.execPath, [join(root, 'node_modules', program), ...args], { cwd: root, stdio: 'inherit' });
  run('typescript/bin/tsc', '--noEmit');
  run('vite/bin/vite.js', 'build', '--outDir', fresh, '--emptyOutDir', '--logLevel', 'warn');
  const built = files(fresh), committed = files(join(root, 'dist'));
  const different = [...new Set([...built.keys(), ...committed.keys()])].filter(name => !built.get(name)?.equals(committed.get(name) ?? Buffer.alloc(0)));
  if (different.length > 0) {
    console.error(`dist is not what the sources give: ${different.join(', ')}. Run npm run build in src/FlowExplorer, and commit dist.`);
    process.exitCode = 1;
  } else console.log(`dist is what the sources give: ${built.size} files.`);
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
