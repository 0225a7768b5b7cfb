const { jestConfig } = require("@salesforce/sfdx-lwc-jest/config");

module.exports = {
  ...jestConfig,
  roots: ["<rootDir>/force-app"],
  setupFilesAfterEnv: [...jestConfig.setupFilesAfterEnv, "<rootDir>/tests/setup.js"],
};
