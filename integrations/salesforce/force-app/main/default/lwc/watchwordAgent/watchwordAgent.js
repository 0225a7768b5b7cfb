import { LightningElement, api, wire } from "lwc";
import { getRecord } from "lightning/uiRecordApi";
import fetchPasscode from "@salesforce/apex/WatchwordPasscodes.fetch";
import longestLife from "@salesforce/apex/WatchwordPasscodes.longestLife";
import { counted, labels } from "./labels";
import { fieldsOf, numberOn } from "./numbers";

const TICK_MS = 1000;

// What is said of a look-up that brought no code, and how loudly.
const REFUSALS = {
  GONE: { label: "gone", theme: "warning" },
  INVALID: { label: "invalid", theme: "warning" },
  LIMITED: { label: "limited", theme: "warning" },
  NOT_SET_UP: { label: "notSetUp", theme: "error" },
  UNAVAILABLE: { label: "unavailable", theme: "error" },
  OFFLINE: { label: "offline", theme: "error" },
  OVER: { label: "over", theme: "warning" },
};
// After these the same look-up may be tried again, as one and the same fetch.
const UNSETTLED = new Set(["UNAVAILABLE", "OFFLINE"]);

/** Names a fetch, so that trying it again is not another one. Where a browser cannot, Salesforce does. */
function newAttempt() {
  return globalThis.crypto?.randomUUID?.() ?? null;
}

/** The agent's half of Watchword: look a number up, and say the code that the customer sees. */
export default class WatchwordAgent extends LightningElement {
  @api recordId;
  @api objectApiName;
  /** Which field of the record has the number; without it, the usual ones of the object. */
  @api phoneField;

  labels = labels;
  number = "";
  passcode = "";
  life = null;
  secondsLeft = null;
  isBusy = false;

  _attempt = null;
  _hasTyped = false;
  _outcome = null;
  _retryAfter = 0;
  _ends = null;
  _ticking = null;

  @wire(longestLife)
  learnLife({ data }) {
    if (data) {
      this.life = data;
    }
  }

  @wire(getRecord, { recordId: "$recordId", optionalFields: "$fields" })
  learnNumber({ data }) {
    if (data && !this._hasTyped) {
      this.number = numberOn(data, this.phoneField);
    }
  }

  get fields() {
    return fieldsOf(this.objectApiName, this.phoneField);
  }

  get buttonLabel() {
    return UNSETTLED.has(this._outcome) ? labels.tryAgain : labels.lookUp;
  }

  get isTimed() {
    return this.secondsLeft !== null;
  }

  get timeLeft() {
    return counted(labels.secondsLeft, this.secondsLeft);
  }

  /** For readers: "0 4 9 5 0" is read as digits, "04950" as a number. */
  get spelled() {
    return [...this.passcode].join(" ");
  }

  get message() {
    const refusal = REFUSALS[this._outcome];
    return refusal ? counted(labels[refusal.label], this._retryAfter) : "";
  }

  get messageClass() {
    const { theme } = REFUSALS[this._outcome];
    return `slds-scoped-notification slds-scoped-notification_light slds-theme_${theme}`;
  }

  disconnectedCallback() {
    this.forget();
  }

  changeNumber(event) {
    this._hasTyped = true;
    this._attempt = null;
    this._outcome = null;
    this.number = event.detail.value;
  }

  lookUpOnEnter(event) {
    if (event.key === "Enter") {
      this.number = event.target.value ?? this.number;
      this.lookUp();
    }
  }

  async lookUp() {
    if (this.isBusy || !this.isNumberThere()) {
      return;
    }
    const attempt = this._attempt ?? newAttempt();
    this.forget();
    this.isBusy = true;
    const asked = Date.now();
    try {
      this.learn(await fetchPasscode({ passKey: this.number, attempt }), asked);
    } catch {
      // Salesforce itself did not answer: it may have carried the fetch out.
      this._attempt = attempt;
      this._outcome = navigator.onLine ? "UNAVAILABLE" : "OFFLINE";
    } finally {
      this.isBusy = false;
    }
  }

  finish() {
    this.forget();
    this.refs.number.focus();
  }

  isNumberThere() {
    this.refs.number.reportValidity();
    return Boolean(this.number?.trim());
  }

  learn(answer, asked) {
    this._outcome = answer.outcome;
    this._retryAfter = answer.retryAfter;
    if (answer.outcome === "FETCHED") {
      this.show(answer.passcode, asked);
    } else if (UNSETTLED.has(answer.outcome)) {
      this._attempt = answer.attempt;
    }
  }

  /** How long the code lives is known, and not since when: so what is counted is the most that can be left. */
  show(passcode, asked) {
    this.passcode = passcode;
    if (this.life) {
      this._ends = asked + this.life * TICK_MS;
      // eslint-disable-next-line @lwc/lwc/no-async-operation -- ended by forget()
      this._ticking = setInterval(() => this.tick(), TICK_MS);
      this.tick();
    }
  }

  tick() {
    this.secondsLeft = Math.ceil((this._ends - Date.now()) / TICK_MS);
    if (this.secondsLeft <= 0) {
      this.forget();
      this._outcome = "OVER";
    }
  }

  forget() {
    clearInterval(this._ticking);
    this._ticking = this._ends = this._attempt = this._outcome = this.secondsLeft = null;
    this.passcode = "";
  }
}
