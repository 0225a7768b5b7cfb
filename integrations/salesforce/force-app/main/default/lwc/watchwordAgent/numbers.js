// Where records of the standard objects have the customer's number, best first.
const FIELDS = {
  Account: ["Phone"],
  Case: ["ContactPhone", "ContactMobile", "SuppliedPhone"],
  Contact: ["MobilePhone", "Phone", "HomePhone"],
  Lead: ["MobilePhone", "Phone"],
  VoiceCall: ["CallType", "FromPhoneNumber", "ToPhoneNumber"],
};

/** The fields that may have the number, by their full names: the one that the page says, or those of the object. */
export function fieldsOf(objectApiName, said) {
  const names = said ? [said] : (FIELDS[objectApiName] ?? []);
  return names.map((name) => `${objectApiName}.${name}`);
}

/** The customer's number on a record, or nothing. Of a call it is that of the other end. */
export function numberOn(record, said) {
  const value = (name) => record.fields[name]?.value || "";
  if (said) {
    return value(said);
  }
  if (record.apiName === "VoiceCall") {
    return value(value("CallType") === "Outbound" ? "ToPhoneNumber" : "FromPhoneNumber");
  }
  const names = FIELDS[record.apiName] ?? [];
  return names.map(value).find(Boolean) ?? "";
}
