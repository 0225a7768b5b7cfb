import { createElement } from "lwc";
import { getRecord } from "lightning/uiRecordApi";
import fetchPasscode from "@salesforce/apex/WatchwordPasscodes.fetch";
import longestLife from "@salesforce/apex/WatchwordPasscodes.longestLife";
import WatchwordAgent from "c/watchwordAgent";
import { english } from "../../../../../../tests/labels";

jest.mock("@salesforce/apex/WatchwordPasscodes.fetch", () => ({ default: jest.fn() }), { virtual: true });
jest.mock(
  "@salesforce/apex/WatchwordPasscodes.longestLife",
  () => {
    const { createApexTestWireAdapter } = require("@salesforce/sfdx-lwc-jest");
    return { default: createApexTestWireAdapter(jest.fn()) };
  },
  { virtual: true },
);

const TEXT = english();
const FETCHED = { outcome: "FETCHED", passcode: "04950", attempt: "a", retryAfter: 0 };
const CONTACT = { apiName: "Contact", fields: { MobilePhone: { value: "+1 555 010 2030" } } };

let page;

beforeEach(() => {
  jest.useFakeTimers();
  page = createElement("c-watchword-agent", { is: WatchwordAgent });
  page.recordId = "003000000000001";
  page.objectApiName = "Contact";
  document.body.appendChild(page);
});

afterEach(() => {
  document.body.replaceChildren();
  jest.restoreAllMocks();
  fetchPasscode.mockReset();
  jest.useRealTimers();
});

const find = (selector) => page.shadowRoot.querySelector(selector);
const text = (id) => find(`[data-id="${id}"]`)?.textContent;
const input = () => find("lightning-input");
const button = () => find('[data-id="look-up"]');

/** Let promises and renderings that are due happen. */
const settle = () => jest.advanceTimersByTimeAsync(0);

function type(value) {
  input().dispatchEvent(new CustomEvent("change", { detail: { value } }));
}

async function lookUp(value, ...answers) {
  input().reportValidity = jest.fn();
  input().focus = jest.fn();
  answers.forEach((answer) =>
    answer instanceof Error ? fetchPasscode.mockRejectedValueOnce(answer) : fetchPasscode.mockResolvedValueOnce(answer),
  );
  if (value !== undefined) {
    type(value);
  }
  button().click();
  await settle();
}

describe("looking up", () => {
  it("shows the code to the eye, and character by character to readers", async () => {
    await lookUp("23456", FETCHED);
    const [seen, read] = find('[data-id="passcode"]').children;
    expect([seen.textContent, seen.getAttribute("aria-hidden")]).toEqual(["04950", "true"]);
    expect(read.textContent).toBe("0 4 9 5 0");
    expect(find('[data-id="news"]').getAttribute("role")).toBe("status");
    expect(find('[data-id="message"]')).toBeNull();
  });

  it("asks by the number as it was typed, and names the fetch", async () => {
    await lookUp("+1 (555) 010-2030", FETCHED);
    const [{ passKey, attempt }] = fetchPasscode.mock.calls[0];
    expect(passKey).toBe("+1 (555) 010-2030");
    expect(attempt).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("begins with the number on the record, which what is typed replaces", async () => {
    getRecord.emit(CONTACT);
    await settle();
    expect(getRecord.getLastConfig().optionalFields).toContain("Contact.MobilePhone");
    expect(input().value).toBe("+1 555 010 2030");
    type("23456");
    getRecord.emit(CONTACT);
    await settle();
    expect(input().value).toBe("23456");
  });

  it("is done by the keyboard alone", async () => {
    type("23456");
    await settle();
    input().reportValidity = jest.fn();
    fetchPasscode.mockResolvedValueOnce(FETCHED);
    input().dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    await settle();
    expect(fetchPasscode).toHaveBeenCalledTimes(1);
  });

  it("is not done without a number", async () => {
    await lookUp("   ");
    expect(input().reportValidity).toHaveBeenCalled();
    expect(fetchPasscode).not.toHaveBeenCalled();
  });

  it("is done once, however often the button is pressed", async () => {
    let answered;
    fetchPasscode.mockReturnValue(new Promise((resolve) => (answered = resolve)));
    await lookUp("23456");
    expect([button().disabled, input().disabled]).toEqual([true, true]);
    expect(find("lightning-spinner").alternativeText).toBe(TEXT.Watchword_Looking_Up);
    button().dispatchEvent(new CustomEvent("click"));
    answered(FETCHED);
    await settle();
    expect(fetchPasscode).toHaveBeenCalledTimes(1);
    expect(button().disabled).toBe(false);
  });
});

describe("the time that is left", () => {
  beforeEach(() => longestLife.emit(60));

  it("runs down, outside of what readers are told", async () => {
    await lookUp("23456", FETCHED);
    expect(text("time")).toBe(TEXT.Watchword_Seconds_Left.replace("{0}", "60"));
    await jest.advanceTimersByTimeAsync(25_000);
    expect(text("time")).toBe(TEXT.Watchword_Seconds_Left.replace("{0}", "35"));
    expect(find("progress").value).toBe(35);
    expect(find('[data-id="news"] [data-id="time"]')).toBeNull();
  });

  it("takes the code with it", async () => {
    await lookUp("23456", FETCHED);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(find('[data-id="passcode"]')).toBeNull();
    expect(text("message")).toBe(TEXT.Watchword_Over);
    expect(page.shadowRoot.innerHTML).not.toContain("04950");
  });

  it("is not made up where it is unknown", async () => {
    longestLife.error();
    document.body.replaceChildren();
    page = createElement("c-watchword-agent", { is: WatchwordAgent });
    document.body.appendChild(page);
    await lookUp("23456", FETCHED);
    expect(text("passcode")).toContain("04950");
    expect(find('[data-id="time"]')).toBeNull();
  });

  it("stops when the agent leaves", async () => {
    await lookUp("23456", FETCHED);
    document.body.replaceChildren();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe("a code", () => {
  it("is gone when the agent is done", async () => {
    await lookUp("23456", FETCHED);
    find('[data-id="done"]').click();
    await settle();
    expect(page.shadowRoot.innerHTML).not.toContain("04950");
    expect(input().focus).toHaveBeenCalled();
  });

  it("gives way to the next look-up", async () => {
    await lookUp("23456", FETCHED);
    await lookUp("34567", { outcome: "GONE", attempt: "b", retryAfter: 0 });
    expect(find('[data-id="passcode"]')).toBeNull();
    expect(text("message")).toBe(TEXT.Watchword_Gone);
  });

  it("is text, whatever it is", async () => {
    await lookUp("23456", { ...FETCHED, passcode: "<img src=x>" });
    expect(find("img")).toBeNull();
  });
});

describe("a refusal", () => {
  it.each([
    ["GONE", TEXT.Watchword_Gone, "warning"],
    ["INVALID", TEXT.Watchword_Invalid, "warning"],
    ["LIMITED", TEXT.Watchword_Limited.replace("{0}", "7"), "warning"],
    ["NOT_SET_UP", TEXT.Watchword_Not_Set_Up, "error"],
    ["UNAVAILABLE", TEXT.Watchword_Unavailable, "error"],
  ])("%s is explained", async (outcome, explained, theme) => {
    await lookUp("23456", { outcome, attempt: "a", retryAfter: 7 });
    expect(text("message")).toBe(explained);
    expect(find('[data-id="message"]').className).toContain(`slds-theme_${theme}`);
    expect(find('[data-id="passcode"]')).toBeNull();
  });

  it("that settles nothing is tried again as the same fetch", async () => {
    await lookUp("23456", { outcome: "UNAVAILABLE", attempt: "the same", retryAfter: 0 });
    expect(button().label).toBe(TEXT.Watchword_Try_Again);
    await lookUp(undefined, FETCHED);
    expect(fetchPasscode.mock.calls[1][0]).toEqual({ passKey: "23456", attempt: "the same" });
    expect(button().label).toBe(TEXT.Watchword_Look_Up);
  });

  it("is forgotten with its fetch when another number is typed", async () => {
    await lookUp("23456", { outcome: "UNAVAILABLE", attempt: "the same", retryAfter: 0 });
    await lookUp("34567", FETCHED);
    expect(fetchPasscode.mock.calls[1][0].attempt).not.toBe("the same");
  });

  it.each([
    [false, "Offline"],
    [true, "Unavailable"],
  ])("without an answer of Salesforce says whose fault it is (online: %s)", async (isOnline, label) => {
    jest.spyOn(navigator, "onLine", "get").mockReturnValue(isOnline);
    await lookUp("23456", new Error("no answer"));
    expect(text("message")).toBe(TEXT[`Watchword_${label}`]);
    await lookUp(undefined, FETCHED);
    expect(fetchPasscode.mock.calls[1][0].attempt).toBe(fetchPasscode.mock.calls[0][0].attempt);
  });
});
