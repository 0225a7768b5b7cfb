// The live preview of passcodes. Without it the button "Preview" asks the edge for the same.

const UNITS = [[3600, "hour"], [60, "minute"], [1, "second"]];
const KINDS = { numeric: "digits", alphabets: "letters", alphanumeric: "letters or digits" };

const form = document.getElementById("passcodes");
const drawn = document.getElementById("drawn").dataset;
const part = (name) => document.getElementById(`preview-${name}`);

form.addEventListener("input", () => {
  if (!form.checkValidity()) {
    part("what").textContent = "Please correct what is filled in.";
    return;
  }
  show(Object.fromEntries(new FormData(form)));
});

function show({ mode, alphabet, length, expires_s, max_fetches }) {
  const isManual = mode === "manual";
  part("what").textContent = "As it would be; not saved yet.";
  part("system").hidden = isManual;
  part("manual").hidden = !isManual;
  part("code").textContent = isManual ? "" : sample(drawn[alphabet], Number(length));
  part("most").textContent = length;
  part("kind").textContent = KINDS[alphabet];
  part("life").textContent = inWords(Number(expires_s));
  part("fetches").textContent = inTimes(Number(max_fetches));
}

// Nobody's passcode: how likely each is does not matter here.
function sample(characters, length) {
  const numbers = crypto.getRandomValues(new Uint32Array(length));
  return Array.from(numbers, (number) => characters[number % characters.length]).join("");
}

function inWords(seconds) {
  const parts = [];
  for (const [size, unit] of UNITS) {
    const number = Math.floor(seconds / size);
    seconds -= number * size;
    if (number) parts.push(`${number} ${unit}${number > 1 ? "s" : ""}`);
  }
  return parts.join(" ");
}

function inTimes(number) {
  return number === 0 ? "until then" : number === 1 ? "once" : `${number} times`;
}
