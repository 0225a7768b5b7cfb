const { defineConfig } = require("eslint/config");
const globals = require("globals");
const js = require("@eslint/js");
const jestPlugin = require("eslint-plugin-jest");
const salesforce = require("@salesforce/eslint-config-lwc/recommended");
const i18n = require("@salesforce/eslint-config-lwc/i18n");

const TESTS = "**/__tests__/**/*.js";

module.exports = defineConfig([
  { files: ["force-app/**/lwc/**/*.js"], ignores: [TESTS], extends: [salesforce, i18n] },
  {
    files: [TESTS, "tests/setup.js"],
    extends: [js.configs.recommended, jestPlugin.configs["flat/recommended"]],
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
  },
  {
    files: ["*.js", "tests/*.js"],
    extends: [js.configs.recommended],
    languageOptions: { sourceType: "commonjs", globals: globals.node },
  },
]);
