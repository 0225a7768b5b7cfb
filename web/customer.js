/* <watchword-customer tenant="..." api="https://..." lang="..."></watchword-customer>
 *
 * A customer who is on the phone with somebody gets a code here, and compares it with what that person says.
 * One script, without dependencies. It makes its tree node by node: no string of anybody ever becomes HTML.
 */

// @include widget.js

const SHORTEST_WORD = 3;
const FRESH_MS = 60_000; // how long a tenant's configuration is taken as read
const CHOSEN = { numeric: /^[0-9]+$/, alphabets: /^[A-Za-z]+$/, alphanumeric: /^[A-Za-z0-9]+$/ };

const sheet = sheetOf(`
button + button { margin-top: .75rem; }
button + p { margin-top: 1rem; }
.why:last-child { margin-bottom: 0; }
.code, .unseen { user-select: none; -webkit-user-select: none; -webkit-touch-callout: none; }
.code.word { font-size: clamp(1.25rem, 7vw, 2.25rem); letter-spacing: .04em; }
.warning { padding: .75rem 1rem; border-inline-start: .3rem solid var(--alert); background: var(--raised); }
.verdict.good { color: var(--good); }
.verdict.bad { color: var(--alert); }
`);

class WatchwordCustomer extends HTMLElement {
  static observedAttributes = ["tenant", "api", "lang"];

  #root = this.attachShadow({ mode: "open" });
  #view = make("div");
  #status = make("p", { role: "status", className: "unseen" });
  #turn = 0; // which start this is: an attribute may change while an earlier one waits
  #words = null;
  #language = "en";
  #config = null;
  #configuredAt = 0;
  #attempt = null; // what was sent, until its outcome is known
  #held = { name: "", until: 0 }; // why nothing is sent before that time
  #entered = "";
  #isUsed = false; // a page that is only being read keeps its focus
  #timer = 0;
  #tick = null; // set while a code is shown

  connectedCallback() {
    if (sheet) this.#root.adoptedStyleSheets = [sheet];
    this.#root.replaceChildren(this.#view, this.#status);
    for (const name of ["copy", "cut", "dragstart"]) this.#root.addEventListener(name, this.#refuseCopy);
    document.addEventListener("visibilitychange", this.#look);
    addEventListener("pagehide", this.#leave);
    this.#start();
  }

  attributeChangedCallback(name, before, after) {
    if (!this.#turn || before === after) return;
    if (name === "lang") this.#words = null;
    else this.#config = this.#attempt = null;
    this.#start();
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
    document.removeEventListener("visibilitychange", this.#look);
    removeEventListener("pagehide", this.#leave);
  }

  /* What goes over the wire. */

  get #url() {
    const base = (this.getAttribute("api") || HERE.split("/assets/")[0]).replace(/\/+$/, "");
    return `${base}/api/v2/${encodeURIComponent(this.getAttribute("tenant") || "")}/identity/passcode`;
  }

  async #ask(url, options = {}) {
    let answer;
    try {
      const bounds = { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MS) };
      answer = await fetch(url, { ...bounds, ...options });
      if (answer.ok) return await answer.json();
    } catch {
      throw new Refused(navigator.onLine ? "unreachable" : "offline", { isOpen: true });
    }
    const retryAfter = Number(answer.headers.get("retry-after")) || 0;
    if (answer.status === 429) throw new Refused("limit", { retryAfter });
    if (answer.status === 409) throw new Refused("conflict");
    if (answer.status === 403) throw new Refused("inactive");
    if (answer.status >= 500) throw new Refused("busy", { retryAfter, isOpen: true });
    const told = await answer.json().catch(() => ({}));
    const field = ["pass_phrase", "pass_key"].find((name) => told.errors?.[name]);
    throw new Refused(field ?? (answer.status === 400 || answer.status === 404 ? "unknown" : "broken"));
  }

  async #configure() {
    if (this.#config && Date.now() - this.#configuredAt < FRESH_MS) return;
    const url = this.#url;
    const { tenant_config_details: details } = await this.#ask(`${url}/config`);
    if (url !== this.#url) return;
    this.#config = typeof details === "string" ? JSON.parse(details) : details;
    this.#configuredAt = Date.now();
  }

  /* What is seen. */

  async #start() {
    const turn = ++this.#turn;
    this.#view.setAttribute("aria-busy", "true");
    const speaking = this.#words ? [this.#language, this.#words] : speak(this, "customer");
    const configuring = this.#configure().then(() => null, (refused) => refused);
    const [language, words] = await Promise.resolve(speaking).catch(() => []);
    const refused = await configuring;
    if (turn !== this.#turn) return;
    if (!words) return this.#show(make("p", { role: "alert", className: "error" }, LAST_WORDS));
    this.#words = words;
    this.#language = this.#view.lang = this.#status.lang = language;
    this.#view.removeAttribute("aria-busy");
    if (refused) this.#showTrouble(refused, () => this.#start());
    else this.#showEntry();
  }

  /** Another view. What it begins with gets the focus, so that it is read out. */
  #show(first, ...others) {
    clearInterval(this.#timer);
    this.#tick = null;
    this.#status.textContent = "";
    this.#view.replaceChildren(first, ...others);
    if (this.#isUsed) (this.#view.querySelector("input") ?? first).focus();
  }

  #title(text, attributes = {}) {
    return make("h2", { tabIndex: -1, ...attributes }, text);
  }

  #button(text, onClick, className = "") {
    const button = make("button", { type: "button", className }, text);
    button.addEventListener("click", () => {
      this.#isUsed = true;
      onClick();
    });
    return button;
  }

  #showTrouble(refused, again) {
    const words = this.#words;
    this.#show(
      this.#title(words.trouble),
      make("p", { className: "error", role: "alert" }, this.#said(refused)),
      this.#button(words.again, again),
      this.#doubt(),
    );
  }

  #showEntry() {
    const words = this.#words;
    const isManual = this.#config.pass_phrase === "manual";
    const key = this.#field("key", words.key, { autocomplete: "tel", maxLength: LONGEST_KEY, value: this.#entered });
    const rules = fill(words.rules[this.#alphabet], { least: SHORTEST_WORD, most: this.#config.pass_phrase_length });
    const word = isManual
      ? this.#field("word", { ...words.word, hint: `${rules} ${words.word.hint}` },
          { autocomplete: "off", maxLength: this.#config.pass_phrase_length })
      : null;
    const error = make("p", { id: "error", role: "alert", className: "error" });
    const button = make("button", { type: "submit" }, isManual ? words.submit_word : words.submit);
    const form = make("form", { noValidate: true }, key.row, ...(word ? [word.row] : []), error, button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit({ key, word, error, button });
    });
    this.#show(make("p", {}, isManual ? words.intro_word : words.intro), form, this.#doubt());
  }

  get #alphabet() {
    const { pass_pharse_allowed_characters: one, pass_phrase_method: other } = this.#config;
    return one ?? other;
  }

  #field(id, words, properties) {
    const hint = make("p", { id: `${id}-hint`, className: "hint" }, words.hint);
    const input = make("input", {
      id, name: id, type: "text", required: true, spellcheck: false, "autocapitalize": "none",
      "aria-describedby": `${id}-hint error`, ...properties,
    });
    return { input, row: make("div", { className: "field" }, make("label", { htmlFor: id }, words.label), hint, input) };
  }

  #doubt() {
    return make("p", { className: "why" }, this.#words.doubt);
  }

  async #submit({ key, word, error, button }) {
    if (button.getAttribute("aria-disabled") === "true") return;
    this.#isUsed = true;
    const complain = (refused, field) => {
      for (const { input } of [key, word].filter(Boolean)) input.setAttribute("aria-invalid", input === field?.input);
      error.textContent = this.#said(refused);
      (field?.input ?? button).focus();
    };
    const pass_key = (this.#entered = key.input.value.trim());
    const pass_phrase = word ? word.input.value.trim() : "";
    if (!pass_key) return complain(new Refused("no_key"), key);
    if (word && !this.#isGood(pass_phrase)) return complain(new Refused("pass_phrase"), word);
    const wait = Math.ceil((this.#held.until - Date.now()) / 1000);
    if (wait > 0) return complain(new Refused(this.#held.name, { retryAfter: wait }));
    error.textContent = "";
    button.setAttribute("aria-disabled", "true");
    this.#status.textContent = this.#words.working;
    try {
      await this.#configure();
      this.#showCode(await this.#obtain({ pass_key, pass_phrase }));
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      this.#status.textContent = "";
      button.removeAttribute("aria-disabled");
      this.#held = { name: refused.name, until: Date.now() + refused.retryAfter * 1000 };
      if (refused.name === "pass_phrase" && !word) return this.#reconsider();
      complain(refused, { pass_key: key, pass_phrase: word }[refused.name]);
    }
  }

  /** The tenant has begun to ask for a word since the page was opened. */
  #reconsider() {
    this.#config = null;
    this.#start();
  }

  #isGood(word) {
    return word.length >= SHORTEST_WORD && word.length <= this.#config.pass_phrase_length
      && CHOSEN[this.#alphabet].test(word);
  }

  /** Submit, or submit again what may have been lost on its way: the same request gets the same answer. */
  async #obtain(content) {
    const body = JSON.stringify(content);
    if (this.#attempt?.body !== body) this.#attempt = { body, id: newIdempotencyKey(), ...this.#now() };
    const attempt = this.#attempt;
    try {
      const headers = { "content-type": "application/json", "idempotency-key": attempt.id };
      const { data } = await this.#ask(this.#url, { method: "POST", headers, body });
      this.#attempt = null;
      return { code: data.pass_phrase, began: attempt, seconds: this.#config.pass_key_expires };
    } catch (refused) {
      if (!refused.isOpen) this.#attempt = null;
      throw refused;
    }
  }

  #showCode({ code, began, seconds }) {
    const words = this.#words;
    const isWord = this.#config.pass_phrase === "manual";
    const groups = isWord ? [[code]] : grouped(code);
    const bar = make("div");
    const time = make("p", { className: "time", role: "timer" });
    this.#show(
      this.#title(isWord ? words.your_word : words.your_code, { "aria-describedby": "spoken" }),
      make("p", { className: "unseen", id: "spoken" }, groups.map((group) => group.join(" ")).join(", ")),
      make("div", { className: isWord ? "code word" : "code", "aria-hidden": "true" },
        ...groups.map((group) => make("span", {}, group.join("")))),
      make("div", { className: "bar", "aria-hidden": "true" }, bar),
      time,
      make("ol", {}, ...words.steps.map((step) => make("li", {}, step))),
      make("p", { className: "warning" }, words.otherwise),
      this.#button(words.matches, () => this.#showVerdict("good")),
      this.#button(words.differs, () => this.#showVerdict("bad"), "other"),
      make("p", { className: "why" }, words.no_copy),
    );
    this.#countDown(time, bar, began, seconds);
  }

  #showVerdict(verdict) {
    const words = this.#words.verdict[verdict];
    this.#show(
      this.#title(words.title, { className: `verdict ${verdict}` }),
      ...words.text.map((text) => make("p", {}, text)),
      this.#button(this.#words.restart, () => this.#showEntry(), "other"),
    );
  }

  #showExpired() {
    const words = this.#words;
    this.#show(
      this.#title(words.expired.title),
      make("p", {}, words.expired.text),
      this.#button(words.renew, () => this.#showEntry()),
      this.#doubt(),
    );
  }

  /* Time. */

  #now() {
    return { wall: Date.now(), steady: performance.now() };
  }

  /** The clock of the page may stand while the device sleeps, and the device's clock may be set: the later one. */
  #elapsed(began) {
    const now = this.#now();
    return Math.max(now.wall - began.wall, now.steady - began.steady, 0) / 1000;
  }

  #countDown(time, bar, began, seconds) {
    let announced = seconds;
    const tick = () => {
      const left = Math.ceil(seconds - this.#elapsed(began));
      if (left <= 0) return this.#showExpired();
      time.textContent = fill(this.#words.left, { time: this.#duration(left) });
      bar.style.transform = `scaleX(${left / seconds})`;
      const due = ANNOUNCED_S.findLast((mark) => left <= mark && mark < announced);
      if (due) {
        announced = due;
        this.#status.textContent = time.textContent;
      }
    };
    this.#tick = tick;
    this.#timer = setInterval(tick, 1000);
    tick();
  }

  #duration(seconds) {
    const say = (value, unit) =>
      new Intl.NumberFormat(this.#language, { style: "unit", unit, unitDisplay: "long" }).format(value);
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    const parts = [[hours, "hour"], [minutes, "minute"], [hours ? 0 : seconds % 60, "second"]];
    return parts.filter(([value]) => value > 0).map(([value, unit]) => say(value, unit)).join(" ");
  }

  /* What happens around. */

  #said(refused) {
    const words = this.#words;
    const text = words.refused[refused.name] ?? words.refused.broken;
    const wait = refused.retryAfter ? ` ${fill(words.wait, { time: this.#duration(refused.retryAfter) })}` : "";
    const life = this.#config ? this.#duration(this.#config.pass_key_expires) : "";
    return fill(text, { life }) + wait;
  }

  #refuseCopy = (event) => {
    if (!this.#tick) return;
    event.preventDefault();
    this.#status.textContent = this.#words.no_copy;
  };

  #look = () => this.#tick?.();

  /** Nobody who goes back in this browser finds the code, or the number. */
  #leave = () => {
    this.#entered = "";
    if (this.#words && this.#config) this.#showEntry();
  };
}

customElements.define("watchword-customer", WatchwordCustomer);
