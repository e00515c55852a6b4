import path from "node:path";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { configured } from "./build/config.ts";

const FOLDER = import.meta.dirname;

export default defineConfig({
  root: FOLDER,
  // so that the page works below any path of any host, and on IPFS
  base: "./",
  plugins: [react(), configured(process.env.WEB_CONFIG ?? path.join(FOLDER, "config.json"))],
  build: {
    target: "es2022",
    // bundled scripts alone: the polyfill would be a script in the page
    modulePreload: { polyfill: false },
    outDir: path.resolve(process.env.WEB_OUT ?? path.join(FOLDER, "dist")),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    manifest: true,
  },
});
