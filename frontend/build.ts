/** Builds the pages named as arguments, or all, into the folders of the packages that serve them. */

import { rmSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, type InlineConfig } from "vite";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** The page's folder here, and the folder that the server reads, from the repository's root. */
const PAGES: Record<string, string> = {
  console: "src/understudy/web/dist",
  negotiator: "src/understudy_apps/negotiator/static",
  sales: "src/understudy_apps/sales/static",
  widget: "src/understudy_apps/sales/static/widget",
};

/** Paths are relative, so that a page works under any prefix; nothing is inlined, as the CSP wants. */
function configurationOf(page: string, output: string): InlineConfig {
  return {
    configFile: false,
    root: `${HERE}${page}`,
    base: "./",
    publicDir: `${HERE}kit/public`,
    logLevel: "warn",
    build: {
      outDir: output,
      emptyOutDir: false,
      target: "es2022",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  };
}

/** The widget lies inside the folder of the sales agent, so it is built after it. */
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PAGES);
if (wanted.includes("sales") && !wanted.includes("widget")) wanted.push("widget");

for (const page of wanted) {
  const output = `${HERE}../${PAGES[page]}`;
  rmSync(output, { recursive: true, force: true });
  await build(configurationOf(page, output));
  statSync(`${output}/index.html`);
}
