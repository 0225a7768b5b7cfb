import { fieldsOf, numberOn } from "../numbers";

const record = (apiName, values) => ({
  apiName,
  fields: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }])),
});

describe("the customer's number", () => {
  it("is the mobile one of a contact, if there is one", () => {
    expect(numberOn(record("Contact", { MobilePhone: "+1 555 1", Phone: "+1 555 2" }))).toBe("+1 555 1");
    expect(numberOn(record("Contact", { MobilePhone: null, Phone: "+1 555 2" }))).toBe("+1 555 2");
  });

  it("is the other end's of a call", () => {
    const numbers = { FromPhoneNumber: "+1 555 1", ToPhoneNumber: "+1 555 2" };
    expect(numberOn(record("VoiceCall", { CallType: "Inbound", ...numbers }))).toBe("+1 555 1");
    expect(numberOn(record("VoiceCall", { CallType: "Outbound", ...numbers }))).toBe("+1 555 2");
  });

  it("is where the page says", () => {
    expect(fieldsOf("Contact", "Line__c")).toEqual(["Contact.Line__c"]);
    expect(numberOn(record("Contact", { Line__c: "23456", Phone: "+1 555 2" }), "Line__c")).toBe("23456");
  });

  it("is not guessed on other objects", () => {
    expect(fieldsOf("Invoice__c")).toEqual([]);
    expect(fieldsOf(undefined)).toEqual([]);
    expect(numberOn(record("Invoice__c", { Phone: "+1 555 2" }))).toBe("");
  });

  it("is nothing where the agent may read no field", () => {
    expect(numberOn(record("Contact", {}))).toBe("");
  });
});
