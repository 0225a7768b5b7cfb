// What can be known of the metadata without an org.
const { readFileSync, readdirSync } = require("node:fs");
const { join, relative } = require("node:path");
const assert = require("node:assert/strict");
const { describe, it } = require("node:test");
const { ApexErrorListener, ApexParserFactory } = require("@apexdevtools/apex-parser");
const { XMLParser, XMLValidator } = require("fast-xml-parser");
const { ComponentSet } = require("@salesforce/source-deploy-retrieve");
const schema = require("@jsforce/jsforce-node/lib/api/metadata/schema").ApiSchemas;
const { english, german } = require("./labels");

const ROOT = join(__dirname, "..");
const FOLDERS = ["force-app", "german"].map((name) => join(ROOT, name));
const NAMESPACE = "http://soap.sforce.com/2006/04/metadata";
// Younger than the schema: their fields are those of the Metadata API Developer Guide, version 62.
const YOUNGER = {
  ExternalCredential: {
    authenticationProtocol: "string",
    description: "?string",
    externalCredentialParameters: ["ExternalCredentialParameter"],
    label: "string",
  },
  ExternalCredentialParameter: {
    parameterGroup: "?string",
    parameterName: "?string",
    parameterType: "string",
    parameterValue: "?string",
    sequenceNumber: "?number",
  },
  NamedCredentialParameter: {
    externalCredential: "?string",
    parameterName: "?string",
    parameterType: "string",
    parameterValue: "?string",
  },
  LwcTargetConfigs: { targetConfig: ["LwcTargetConfig"] },
  LwcTargetConfig: { property: ["LwcProperty"] },
  LwcProperty: {},
  PermissionSetExternalCredentialPrincipalAccess: { enabled: "boolean", externalCredentialPrincipal: "string" },
};
const ADDED = {
  LightningComponentBundle: { targetConfigs: "?LwcTargetConfigs" }, // there as text
  NamedCredential: {
    calloutStatus: "?string",
    namedCredentialParameters: ["NamedCredentialParameter"],
    namedCredentialType: "?string",
  },
  PermissionSet: { externalCredentialPrincipalAccesses: ["PermissionSetExternalCredentialPrincipalAccess"] },
};
const VALUES = {
  string: (value) => typeof value === "string",
  boolean: (value) => value === "true" || value === "false",
  number: (value) => /^-?\d+(\.\d+)?$/.test(value),
};

const files = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
const named = (ending) =>
  FOLDERS.flatMap(files)
    .filter((path) => path.endsWith(ending) && !path.includes("__tests__"))
    .map((path) => [relative(ROOT, path), readFileSync(path, "utf8")]);

function propsOf(type) {
  const known = schema[type] ?? (YOUNGER[type] && { props: YOUNGER[type] });
  const inherited = known?.extends ? propsOf(known.extends) : {};
  return known && { ...inherited, ...known.props, ...ADDED[type] };
}

/** What is wrong with an element, by the schema of its type: fields that there are not, values of another kind. */
function* faults(type, element, where) {
  const props = propsOf(type);
  for (const [name, value] of Object.entries(element)) {
    const declared = props[name];
    if (name.startsWith("@") || name === "#text") continue;
    if (!declared) {
      yield `${where} has no ${name}`;
      continue;
    }
    const kind = [declared].flat()[0].replace(/^\?/, "");
    for (const each of [value].flat()) {
      if (VALUES[kind] ? !VALUES[kind](each) : !propsOf(kind) && typeof each !== "string") {
        yield `${where}.${name} is no ${kind}`;
      } else if (propsOf(kind)) {
        yield* faults(kind, each, `${where}.${name}`);
      }
    }
  }
}

describe("Apex", () => {
  for (const [path, source] of named(".cls")) {
    it(`${path} can be parsed`, () => {
      const wrong = [];
      class Listener extends ApexErrorListener {
        apexSyntaxError(line, column, message) {
          wrong.push(`${line}:${column} ${message}`);
        }
      }
      const parser = ApexParserFactory.createParser(source);
      parser.removeErrorListeners();
      parser.addErrorListener(new Listener());
      parser.compilationUnit();
      assert.deepEqual(wrong, []);
    });
  }
});

describe("metadata", () => {
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: "@", parseTagValue: false });

  for (const [path, xml] of named("-meta.xml")) {
    it(`${path} has the fields of its type`, () => {
      assert.equal(XMLValidator.validate(xml), true);
      const [[type, element]] = Object.entries(parser.parse(xml)).filter(([name]) => !name.startsWith("?"));
      assert.equal(element["@xmlns"], NAMESPACE);
      assert.ok(propsOf(type), `nothing is known of ${type}`);
      assert.deepEqual([...faults(type, element, type)], []);
    });
  }

  it("is found by Salesforce's own tool", () => {
    const found = FOLDERS.flatMap((folder) => [...ComponentSet.fromSource(folder).getSourceComponents()]);
    assert.deepEqual(found.map((each) => `${each.type.name} ${each.fullName}`).sort(), [
      "ApexClass WatchwordPasscodes",
      "ApexClass WatchwordPasscodesTest",
      "CustomLabels CustomLabels",
      "ExternalCredential Watchword",
      "LightningComponentBundle watchwordAgent",
      "NamedCredential Watchword",
      "PermissionSet Watchword_Agent",
      "Translations de",
    ]);
  });

  it("has no key in it", () => {
    for (const path of FOLDERS.flatMap(files)) {
      assert.doesNotMatch(readFileSync(path, "utf8"), /wwk[0-9a-f]{32}/, path);
    }
  });
});

describe("labels", () => {
  const source = named(".js").map(([, text]) => text).join("");
  const used = [...source.matchAll(/@salesforce\/label\/c\.(\w+)/g)].map(([, name]) => name);

  it("are those that are used", () => {
    assert.deepEqual(Object.keys(english()).sort(), used.sort());
  });

  it("are there in German, with the same numbers in them", () => {
    const holes = (labels) =>
      Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, text.match(/\{\d\}/)?.[0]]));
    assert.deepEqual(holes(german()), holes(english()));
  });
});
