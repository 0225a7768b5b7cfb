/* <watchword-agent tenant="..." lang="..."></watchword-agent>
 *
 * An agent signs in, looks a customer up, and says the code that the customer sees. It works on pages of the edge's own
 * origin, where the session's cookie is; on others it leads there.
 * One script, without dependencies. It makes its tree node by node: no string of anybody ever becomes HTML.
 */

// @include widget.js

const sheet = sheetOf(`
button + .why { margin-top: 1rem; }
.who {
  display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .5rem 1rem;
  margin: 1.5rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .9375rem;
}
.who p { margin: 0; min-width: 0; }
.who button { width: auto; min-height: 2.75rem; }
`);

class WatchwordAgent extends HTMLElement {
  #root = this.attachShadow({ mode: "open" });
  #view = make("div");
  #status = make("p", { role: "status", className: "unseen" });
  #words = null;
  #language = "en";
  #agent = null;
  #email = "";
  #attempt = null; // a look-up whose answer may have been lost: it is made again with the same key
  #held = { until: 0 }; // when the service has asked to be left alone until
  #isUsed = false; // before that the focus is the page's
  #timer = 0;
  #tick = null; // set while a code is shown

  connectedCallback() {
    if (sheet) this.#root.adoptedStyleSheets = [sheet];
    this.#root.replaceChildren(this.#view, this.#status);
    document.addEventListener("visibilitychange", this.#look);
    addEventListener("pagehide", this.#leave);
    this.#start();
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
    document.removeEventListener("visibilitychange", this.#look);
    removeEventListener("pagehide", this.#leave);
  }

  /* What goes over the wire. */

  get #tenant() {
    return encodeURIComponent(this.getAttribute("tenant") || "");
  }

  get #edge() {
    return new URL(HERE).origin;
  }

  async #ask(path, method = "GET", content = null, headers = {}) {
    const url = `${this.#edge}/agent-api/${this.#tenant}/${path}`;
    const options = { method, headers, cache: "no-store", credentials: "same-origin" };
    if (content) {
      options.body = JSON.stringify(content);
      options.headers = { "content-type": "application/json", ...headers };
    }
    let answer;
    try {
      answer = await fetch(url, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.ok) return answer.status === 204 ? null : await answer.json();
    } catch {
      throw new Refused(navigator.onLine ? "unreachable" : "offline", { isOpen: true });
    }
    const retryAfter = Number(answer.headers.get("retry-after")) || 0;
    const name = { 400: "pass_key", 401: "over", 403: "inactive", 404: "unknown", 410: "gone", 429: "limit" };
    if (answer.status >= 500) throw new Refused("busy", { retryAfter, isOpen: true });
    throw new Refused(name[answer.status] ?? "broken", { retryAfter });
  }

  /* What is seen. */

  async #start() {
    this.#view.setAttribute("aria-busy", "true");
    const isHome = location.origin === this.#edge;
    const asking = isHome ? this.#ask("session").catch((refused) => refused) : null;
    try {
      if (!this.#words) [this.#language, this.#words] = await speak(this, "agent");
      this.#view.lang = this.#status.lang = this.#language;
    } catch {
      this.#show(make("p", { role: "alert", className: "error" }, LAST_WORDS));
      return;
    }
    const told = await asking;
    this.#view.removeAttribute("aria-busy");
    if (!isHome) return this.#showWay();
    if (told instanceof Refused) return this.#showTrouble(told);
    this.#agent = told.agent;
    if (this.#agent) this.#showLookUp();
    else this.#showSignIn();
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

  #field(id, label, hint, properties) {
    const described = hint ? `${id}-hint error` : "error";
    const input = make("input", {
      id, name: id, type: "text", required: true, spellcheck: false, "autocapitalize": "none",
      "aria-describedby": described, ...properties,
    });
    const hints = hint ? [make("p", { id: `${id}-hint`, className: "hint" }, hint)] : [];
    return { input, row: make("div", { className: "field" }, make("label", { htmlFor: id }, label), ...hints, input) };
  }

  /** A form that complains in its own words, and asks one thing at a time. */
  #form(fields, text, submit) {
    const error = make("p", { id: "error", role: "alert", className: "error" });
    const button = make("button", { type: "submit" }, text);
    const form = make("form", { noValidate: true }, ...fields.map(({ row }) => row), error, button);
    const complain = (refused, field) => {
      for (const { input } of fields) input.setAttribute("aria-invalid", input === field?.input);
      error.textContent = this.#said(refused);
      (field?.input ?? button).focus();
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.getAttribute("aria-disabled") === "true") return;
      this.#isUsed = true;
      const empty = fields.find(({ input }) => !input.value.trim());
      if (empty) return complain(new Refused(`no_${empty.input.id}`), empty);
      const wait = Math.ceil((this.#held.until - Date.now()) / 1000);
      if (wait > 0) return complain(new Refused(this.#held.name, { retryAfter: wait }));
      error.textContent = "";
      button.setAttribute("aria-disabled", "true");
      this.#status.textContent = this.#words.working;
      try {
        await submit(...fields.map(({ input }) => input.value));
      } catch (refused) {
        if (!(refused instanceof Refused)) throw refused;
        this.#status.textContent = "";
        button.removeAttribute("aria-disabled");
        this.#held = { name: refused.name, until: Date.now() + refused.retryAfter * 1000 };
        complain(refused, fields.find(({ input }) => input.dataset.refusal === refused.name));
      }
    });
    return form;
  }

  #showWay() {
    const words = this.#words.open;
    const href = `${this.#edge}/agent/${this.#tenant}`;
    const link = make("a", { className: "button", href, target: "_blank", rel: "noopener" }, words.link);
    this.#show(make("p", {}, words.text), link);
  }

  #showTrouble(refused) {
    this.#show(
      this.#title(this.#words.trouble),
      make("p", { className: "error", role: "alert" }, this.#said(refused)),
      this.#button(this.#words.retry, () => this.#start()),
    );
  }

  #showSignIn(refused = null) {
    const words = this.#words.sign_in;
    const email = this.#field("email", words.email, "", {
      type: "email", autocomplete: "username", maxLength: 254, value: this.#email,
    });
    const password = this.#field("password", words.password, "", {
      type: "password", autocomplete: "current-password", maxLength: 1024,
    });
    const form = this.#form([email, password], words.submit, async (address, secret) => {
      this.#email = address.trim();
      try {
        await this.#ask("session", "POST", { email: this.#email, password: secret });
      } catch (error) {
        if (error.name === "over" || error.name === "pass_key") error.name = "wrong";
        throw error;
      }
      password.input.value = "";
      this.#agent = (await this.#ask("session")).agent;
      if (this.#agent) this.#showLookUp();
      else this.#showSignIn(new Refused("over"));
    });
    this.#show(this.#title(words.title), form, make("p", { className: "why" }, words.help));
    if (refused) this.#root.getElementById("error").textContent = this.#said(refused);
  }

  #showLookUp(entered = "") {
    const words = this.#words.look_up;
    const key = this.#field("key", words.label, words.hint, {
      autocomplete: "off", maxLength: LONGEST_KEY, value: entered, "data-refusal": "pass_key",
    });
    const form = this.#form([key], words.submit, (text) => this.#lookUp(text.trim()));
    this.#show(this.#title(words.title), form, this.#who());
  }

  #who() {
    const name = this.#agent.name === "agent" ? this.#agent.email : this.#agent.name;
    return make("div", { className: "who" },
      make("p", {}, fill(this.#words.signed_in, { name })),
      this.#button(this.#words.sign_out, () => this.#signOut(), "other"));
  }

  async #signOut() {
    try {
      await this.#ask("session", "DELETE");
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      return this.#showTrouble(refused);
    }
    this.#agent = null;
    this.#email = "";
    this.#showSignIn();
  }

  /** Look up, or look up again what may have been lost on its way: the same request gets the same answer. */
  async #lookUp(pass_key) {
    if (this.#attempt?.pass_key !== pass_key) this.#attempt = { pass_key, id: newIdempotencyKey() };
    const began = this.#now();
    let found;
    try {
      found = await this.#ask("passcode", "POST", { pass_key }, { "idempotency-key": this.#attempt.id });
    } catch (refused) {
      if (!refused.isOpen) this.#attempt = null;
      if (refused.name === "gone") return this.#showGone(pass_key);
      if (refused.name === "over") return this.#showSignIn(refused);
      throw refused;
    }
    this.#attempt = null;
    this.#showCode(found, began);
  }

  #showCode({ pass_phrase, left_ms }, began) {
    const words = this.#words.found;
    const groups = grouped(pass_phrase);
    const bar = make("div");
    const time = make("p", { className: "time", role: "timer" });
    this.#show(
      this.#title(words.title, { "aria-describedby": "spoken" }),
      make("p", { className: "unseen", id: "spoken" }, groups.map((group) => group.join(" ")).join(", ")),
      make("div", { className: "code", "aria-hidden": "true" },
        ...groups.map((group) => make("span", {}, group.join("")))),
      make("div", { className: "bar", "aria-hidden": "true" }, bar),
      time,
      make("ol", {}, ...words.steps.map((step) => make("li", {}, step))),
      this.#button(this.#words.next, () => this.#showLookUp()),
      make("p", { className: "why" }, words.once),
      this.#who(),
    );
    this.#countDown(time, bar, began, left_ms / 1000);
  }

  #showGone(pass_key) {
    const words = this.#words.gone;
    this.#show(
      this.#title(words.title),
      make("p", {}, fill(words.text, { key: pass_key })),
      make("ul", {}, ...words.reasons.map((reason) => make("li", {}, reason))),
      make("p", {}, words.advice),
      this.#button(this.#words.again, () => this.#showLookUp(pass_key)),
      this.#who(),
    );
  }

  #showExpired() {
    const words = this.#words.expired;
    this.#show(
      this.#title(words.title),
      make("p", {}, words.text),
      this.#button(this.#words.next, () => this.#showLookUp()),
      this.#who(),
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
      time.textContent = fill(this.#words.found.left, { time: this.#duration(left) });
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
    const words = this.#words.refused;
    const wait = refused.retryAfter ? ` ${fill(this.#words.wait, { time: this.#duration(refused.retryAfter) })}` : "";
    return (words[refused.name] ?? words.broken) + wait;
  }

  #look = () => this.#tick?.();

  /** Nobody who goes back in this browser finds the code. */
  #leave = () => {
    if (this.#tick) this.#showLookUp();
  };
}

customElements.define("watchword-agent", WatchwordAgent);
