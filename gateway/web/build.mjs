// `node build.mjs OPENAPI.json`: checks the types and writes the page to build/page, with hashed names and gzipped twins.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const MOST_BYTES = 150 * 1024; // of script, compressed, before anything is seen
const OUT = "build/page";

const document = process.argv[2] ?? "../openapi.json";
rmSync("build", { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
run("openapi-typescript", document, "--output", "build/api.d.ts", "--root-types", "--default-non-nullable=false");
run("tsc");

const { metafile } = await build({
  entryPoints: ["src/main.tsx", "src/icon.svg"],
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: ["chrome111", "firefox115", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: OUT,
  entryNames: "assets/[name]-[hash]",
  chunkNames: "assets/[name]-[hash]",
  loader: { ".svg": "copy" },
  define: { "process.env.NODE_ENV": '"production"' },
  legalComments: "none",
  metafile: true,
});

const outputs = Object.entries(metafile.outputs);
const [script, entry] = outputs.find(([, each]) => each.entryPoint === "src/main.tsx");
const scripts = [script, ...entry.imports.filter((each) => each.kind === "import-statement").map((each) => each.path)];
const first = scripts.reduce((sum, path) => sum + gzipSync(readFileSync(path)).length, 0);
if (first > MOST_BYTES) fail(`the first load has ${first} bytes of script, compressed; it may have ${MOST_BYTES}`);

const icon = outputs.find(([path]) => /icon-.*\.svg$/.test(path))[0];
const name = (path) => path.slice(OUT.length + 1);
writeFileSync(
  `${OUT}/index.html`,
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>VideoJobs</title>
<link rel="icon" href="${name(icon)}">
<link rel="stylesheet" href="${name(entry.cssBundle)}">
${scripts.map((path) => `<link rel="modulepreload" href="${name(path)}">`).join("\n")}
</head>
<body>
<noscript>This page needs JavaScript. The API below /api/v1 does not.</noscript>
<div id="app"></div>
<script type="module" src="${name(script)}"></script>
</body>
</html>
`,
);
for (const path of [...Object.keys(metafile.outputs), `${OUT}/index.html`]) {
  const body = readFileSync(path);
  const zipped = gzipSync(body, { level: 9 });
  if (zipped.length < body.length * 0.9) writeFileSync(`${path}.gz`, zipped);
}
console.log(`the page's first load is ${(first / 1024).toFixed(1)} KB of script`);

function run(program, ...args) {
  const done = spawnSync(`node_modules/.bin/${program}`, args, { encoding: "utf8" });
  if (done.status !== 0) fail(`${program}: ${done.error ?? ""}${done.stdout}${done.stderr}`);
}

function fail(why) {
  console.error(why);
  process.exit(1);
}
