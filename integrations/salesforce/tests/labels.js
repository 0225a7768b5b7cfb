const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { XMLParser } = require("fast-xml-parser");

const ROOT = join(__dirname, "..");
const parser = new XMLParser({ parseTagValue: false });

function read(path) {
  return parser.parse(readFileSync(join(ROOT, path), "utf8"));
}

/** The texts of custom labels by their names, as they are deployed. */
function english() {
  const { labels } = read("force-app/main/default/labels/CustomLabels.labels-meta.xml").CustomLabels;
  return Object.fromEntries(labels.map(({ fullName, value }) => [fullName, value]));
}

function german() {
  const { customLabels } = read("german/main/default/translations/de.translation-meta.xml").Translations;
  return Object.fromEntries(customLabels.map(({ name, label }) => [name, label]));
}

module.exports = { english, german };
