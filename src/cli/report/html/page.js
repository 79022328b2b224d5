// SPDX-License-Identifier: MIT
// What the page cannot do as it is: tables sort, the curve tells what is under the pointer, the flame graph zooms, is
// searched and shows other measures. All text gets onto the page as text, never as HTML.
"use strict";

function bytesWord(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let unit = 0;
  for (; bytes >= 1023.95 && unit + 1 < units.length; ++unit) bytes /= 1024;
  return unit ? bytes.toFixed(1) + " " + units[unit] : bytes + " B";
}

function shareWord(part, whole) {
  const percent = whole ? 100 * part / whole : 0;
  return percent && percent < 1 ? "< 1 %" : percent.toFixed(0) + " %";
}

function made(name, text, attributes) {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  return element;
}

function drawn(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  return element;
}

function dataOf(id) {
  const block = document.getElementById(id);
  return block && JSON.parse(block.textContent);
}

// ---- tables

function valueOf(row, column) {
  const cell = row.cells[column];
  return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
}

function sortBy(table, heads, column) {
  const head = heads[column], number = head.classList.contains("n");
  const descending = head.hasAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : number;
  for (const other of heads) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows];
  const compare = (a, b) => number ? valueOf(a, column) - valueOf(b, column) : valueOf(a, column).localeCompare(valueOf(b, column));
  rows.sort((a, b) => descending ? compare(b, a) : compare(a, b));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  table.classList.add("sorts");
  heads.forEach((head, column) => {
    if (head.classList.contains("still")) return;
    const button = made("button", head.textContent, {type: "button"});
    button.addEventListener("click", () => sortBy(table, heads, column));
    head.replaceChildren(button);
  });
}

// A long table shows its first rows until more are asked for.
for (const table of document.querySelectorAll("table.places")) {
  const count = table.tBodies[0].rows.length;
  if (count <= 15) continue;
  table.classList.add("short");
  const button = made("button", `Show all ${count}`, {type: "button", class: "more"});
  button.addEventListener("click", () => {
    table.classList.remove("short");
    button.remove();
  });
  table.parentElement.after(button);
}

// ---- the curve

function followCurve() {
  const curve = document.getElementById("curve"), columns = dataOf("curve-data");
  if (!curve || !columns) return;
  const cursor = document.getElementById("cursor"), output = document.getElementById("at");
  curve.addEventListener("pointermove", event => {
    const box = curve.getBoundingClientRect(), share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    const [seconds, objects, kept, other] = columns[Math.round(share * (columns.length - 1))];
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, (100 * share).toFixed(2) + "%");
    cursor.setAttribute("visibility", "visible");
    output.textContent = `after ${seconds} s: ${bytesWord(objects + kept + other)} = ${bytesWord(objects)} + ${bytesWord(kept)} + ${bytesWord(other)}`;
  });
  curve.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    output.textContent = "";
  });
}
followCurve();

// ---- the flame graph

const ROW = 18, NARROWEST = 0.7;  // pixels

// Numbers of a tree that lies flat, parents first.
function treeOf(data) {
  const nodes = [], last = [];
  for (let at = 0; at < data.nodes.length; at += 5) {
    const [depth, name, ...values] = data.nodes.slice(at, at + 5);
    const node = {name: data.names[name] || ["", "", 0], depth, values, parent: depth ? last[depth - 1] : null, children: []};
    if (node.parent) node.parent.children.push(node);
    last[depth] = node;
    nodes.push(node);
  }
  return nodes;
}

class Flame {
  constructor(data) {
    this.difference = data.difference;
    this.nodes = treeOf(data);
    this.root = this.focus = this.nodes[0];
    this.measure = 0;
    this.words = "";
    this.picture = document.getElementById("flame-picture");
    this.detail = document.getElementById("flame-detail");
    this.hint = this.detail.textContent + " A click goes into a frame, Escape back.";
    this.makeControls();
    this.listen();
    this.draw();
  }

  makeControls() {
    const controls = document.getElementById("flame-controls");
    if (!this.difference) controls.append(this.measures());
    this.input = made("input", "", {type: "search", placeholder: "Search functions and files", "aria-label": "Search functions and files"});
    this.back = made("button", "Whole graph", {type: "button"});
    this.matches = made("output");
    controls.append(this.input, this.back, this.matches);
    controls.hidden = false;
  }

  measures() {
    const choice = made("div", "", {class: "choice", role: "group", "aria-label": "What is measured"});
    ["Live", "At the peak", "Allocated"].forEach((name, measure) => {
      const button = made("button", name, {type: "button", "aria-pressed": measure === 0});
      button.addEventListener("click", () => {
        this.measure = measure;
        for (const other of choice.children) other.setAttribute("aria-pressed", other === button);
        if (!this.focus.values[measure]) this.focus = this.root;
        this.draw();
      });
      choice.append(button);
    });
    return choice;
  }

  listen() {
    const nodeAt = event => {
      const frame = event.target.closest("[data-i]");
      return frame && this.nodes[frame.dataset.i];
    };
    this.picture.addEventListener("click", event => {
      const node = nodeAt(event);
      if (node) this.go(node === this.focus ? node.parent || this.root : node);
    });
    this.picture.addEventListener("pointerover", event => this.tell(nodeAt(event)));
    this.picture.addEventListener("pointerleave", () => this.tell(null));
    this.input.addEventListener("input", () => {
      this.words = this.input.value.trim().toLowerCase();
      this.draw();
    });
    this.back.addEventListener("click", () => this.go(this.root));
    document.addEventListener("keydown", event => {
      if (event.key !== "Escape") return;
      if (this.words && document.activeElement === this.input) this.input.value = this.words = "";
      this.go(this.focus.parent || this.root);
    });
    let width = 0;
    new ResizeObserver(() => {
      if (this.picture.clientWidth === width) return;
      width = this.picture.clientWidth;
      this.draw();
    }).observe(this.picture);
  }

  go(node) {
    this.focus = node;
    this.draw();
    this.tell(null);
  }

  // Of a frame; where the pointer is on none, of that which was gone into.
  tell(node) {
    if (!node && this.focus !== this.root) node = this.focus;
    if (!node) {
      this.detail.textContent = this.hint;
      return;
    }
    const [name, file] = node.name, [first, before, after] = node.values;
    const amount = this.difference
      ? `${bytesWord(before)} before, ${bytesWord(after)} after`
      : `${bytesWord(node.values[this.measure])}, ${shareWord(node.values[this.measure], this.root.values[this.measure])} of all`;
    this.detail.replaceChildren(made("b", name), ` ${amount}${file ? " · " + file : ""}`);
  }

  found(node) {
    return this.words && (node.name[0].toLowerCase().includes(this.words) || node.name[1].toLowerCase().includes(this.words));
  }

  kind(node) {
    if (!this.difference) return ["lib", "own1", "own2", "own3", "own4"][node.name[2]];
    const [, before, after] = node.values, change = (after - before) / Math.max(before, after, 1);
    if (change > 0.5) return "grew2";
    if (change > 0.05) return "grew1";
    return change < -0.5 ? "shrank2" : change < -0.05 ? "shrank1" : "same";
  }

  draw() {
    const width = this.picture.clientWidth || 1000, frames = [], whole = this.focus.values[this.measure] || 1;
    let rows = 1;
    const frame = (node, begin, share, row, above) => {
      rows = Math.max(rows, row + 1);
      const kinds = [this.kind(node), "go"];
      if (above) kinds.push("above");
      if (this.found(node)) kinds.push("found");
      const box = drawn("svg", {class: kinds.join(" "), x: 100 * begin + "%", y: row * ROW, width: 100 * share + "%", height: ROW - 1,
                                "data-i": this.numbers.get(node)});
      box.append(drawn("rect", {width: "100%", height: "100%"}));
      if (share * width > 28) box.append(drawn("text", {x: 4, y: 12.5})), box.lastChild.textContent = node.name[0];
      frames.push(box);
    };
    this.numbers = this.numbers || new Map(this.nodes.map((node, number) => [node, number]));
    const above = [];
    for (let node = this.focus; node !== this.root; node = node.parent) above.unshift(node);
    above.forEach((node, row) => frame(node, 0, 1, row, node !== this.focus));
    const level = (node, begin, row) => {
      const children = [...node.children].sort((a, b) => b.values[this.measure] - a.values[this.measure]);
      for (const child of children) {
        const share = child.values[this.measure] / whole;
        if (share * width < NARROWEST) break;
        frame(child, begin, share, row, false);
        level(child, begin, row + 1);
        begin += share;
      }
    };
    level(this.focus, 0, above.length);
    this.picture.replaceChildren(...frames);
    // It gets no lower, or what is under the pointer would move away.
    this.rows = Math.max(this.rows || 0, rows);
    this.picture.setAttribute("height", this.rows * ROW);
    this.back.disabled = this.focus === this.root;
    this.count();
  }

  // What is in the frames that were found, those inside of each other counted once.
  count() {
    let frames = 0, bytes = 0;
    const look = (node, inside) => {
      const hit = this.found(node);
      if (hit) ++frames;
      if (hit && !inside) bytes += node.values[this.measure];
      for (const child of node.children) look(child, inside || hit);
    };
    if (this.words) look(this.root, false);
    this.matches.textContent = this.words
      ? `${frames} frame${frames === 1 ? "" : "s"}, ${bytesWord(bytes)}, ${shareWord(bytes, this.root.values[this.measure])}` : "";
  }
}

const flameData = dataOf("flame-data");
if (flameData) new Flame(flameData);
