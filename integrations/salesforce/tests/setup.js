// Components see the labels that are deployed, and not their names.
const { english } = require("./labels");

for (const [name, text] of Object.entries(english())) {
  jest.doMock(`@salesforce/label/c.${name}`, () => ({ default: text }), { virtual: true });
}

// jsdom has none, and every browser of Salesforce does.
if (globalThis.window) {
  const { randomUUID } = require("node:crypto");
  Object.defineProperty(globalThis.crypto ?? (globalThis.crypto = {}), "randomUUID", { value: randomUUID });
}
