"use strict";
// Within a group any ticked value will do; every group with a tick, and the path, must agree.
const ROWS = 200;
const MORE = 8;
const data = JSON.parse(document.getElementById("data").textContent);
const rows = data.rows.map(([name, ending, paths, chosen, result, weight]) => (
  { name, ending, paths, chosen, result, weight, text: paths.join("\n").toLowerCase() }));
const boxes = [...document.querySelectorAll("#filters input[type=checkbox]")];
const path = document.getElementById("path");
let found = rows;
let first = 0;

function element(name, text, parts = {}) {
  const made = Object.assign(document.createElement(name), parts);
  made.textContent = text;
  return made;
}

function asked() {
  const wanted = data.groups.map(() => new Set());
  for (const box of boxes) if (box.checked) wanted[box.dataset.group].add(Number(box.value));
  return { wanted, text: path ? path.value.toLowerCase() : "" };
}

function choose() {
  const { wanted, text } = asked();
  found = rows.filter((row) => row.text.includes(text)
    && wanted.every((set, group) => set.size === 0 || row.chosen[group].some((value) => set.has(value))));
  first = 0;
  show();
}

function remember() {
  const said = new URLSearchParams();
  for (const box of boxes) {
    const [key, values] = data.groups[box.dataset.group];
    if (box.checked) said.append(key, values[box.value]);
  }
  if (path && path.value) said.append("path", path.value);
  history.replaceState(null, "", "#" + said);
}

function recall() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const box of boxes) {
    const [key, values] = data.groups[box.dataset.group];
    box.checked = said.getAll(key).includes(values[box.value]);
  }
  if (path) path.value = said.get("path") || "";
  choose();
}

function named(row) {
  const cell = element("td", "");
  cell.dataset.head = "File";
  const link = element("a", "", { href: "../reports/" + encodeURIComponent(row.name) + "." + row.ending });
  link.append(element("bdi", row.paths[0] || "file given without a name"));
  cell.append(link);
  for (const other of row.paths.slice(1, MORE)) {
    const line = element("span", "same bytes: ", { className: "quiet" });
    line.append(element("bdi", other));
    cell.append(element("br", ""), line);
  }
  if (row.paths.length > MORE) {
    cell.append(element("br", ""),
      element("span", `and at ${row.paths.length - MORE} more paths`, { className: "quiet" }));
  }
  return cell;
}

function cell(head, lines) {
  const made = element("td", "");
  made.dataset.head = head;
  lines.forEach((text, i) => made.append(element("div", text, i ? { className: "quiet" } : {})));
  return made;
}

function line(row) {
  const made = element("tr", "");
  made.append(named(row), cell("Result", row.result), cell("Weight", row.weight));
  return made;
}

function show() {
  const last = Math.min(first + ROWS, found.length);
  document.querySelector("#chosen tbody").replaceChildren(...found.slice(first, last).map(line));
  const count = (number) => number.toLocaleString("en");
  document.getElementById("count").textContent = `${count(found.length)} of ${count(rows.length)} files`
    + (found.length > ROWS ? `, ${count(first + 1)} to ${count(last)} shown` : "");
  document.getElementById("previous").disabled = first === 0;
  document.getElementById("next").disabled = last === found.length;
}

function turn(by) {
  first += by;
  show();
  document.getElementById("count").focus();
}

function changed() {
  choose();
  remember();
}

for (const box of boxes) box.addEventListener("change", changed);
if (path) path.addEventListener("input", changed);
document.getElementById("previous").addEventListener("click", () => turn(-ROWS));
document.getElementById("next").addEventListener("click", () => turn(ROWS));
document.getElementById("clear").addEventListener("click", () => {
  for (const box of boxes) box.checked = false;
  if (path) path.value = "";
  changed();
});
addEventListener("hashchange", recall);
document.getElementById("tool").hidden = false;
recall();
