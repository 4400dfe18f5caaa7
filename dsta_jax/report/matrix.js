// Draws the confusion matrix, and says what a cell is about: under the pointer, where it is tapped, or by arrow keys.
"use strict";

(() => {
  const canvas = document.getElementById("matrix");
  if (!canvas) return;
  const { names, counts } = JSON.parse(document.getElementById("counts").textContent);
  const said = document.getElementById("cell");
  const order = document.getElementById("order");
  const classes = names.length;
  const count = names.map(() => new Map());
  for (const [row, column, times] of counts) count[row].set(column, times);
  const total = count.map((row) => [...row.values()].reduce((sum, times) => sum + times, 0));
  const right = count.map((row, number) => (total[number] ? (row.get(number) || 0) / total[number] : 2));
  const orders = {
    number: names.map((_, number) => number),
    accuracy: names.map((_, number) => number).sort((one, other) => right[one] - right[other] || one - other),
  };
  let shown = orders.number;
  let chosen = null; // [row, column] as they are shown
  let place = { left: 0, top: 0, cell: 1 };

  function fitted(pen, text, width) {
    if (pen.measureText(text).width <= width) return text;
    let letters = text.length;
    while (letters && pen.measureText(text.slice(0, letters) + "…").width > width) letters--;
    return text.slice(0, letters) + "…";
  }

  function draw() {
    const ratio = devicePixelRatio || 1;
    const width = canvas.parentElement.clientWidth;
    const left = width > 600 ? 220 : 34;
    const top = 22;
    const cell = Math.max(2, Math.min(40, (Math.min(width, 1000) - left) / classes));
    place = { left, top, cell };
    const size = [left + cell * classes + 1, top + cell * classes + 1];
    canvas.width = Math.round(size[0] * ratio);
    canvas.height = Math.round(size[1] * ratio);
    canvas.style.width = `${size[0]}px`;
    canvas.style.height = `${size[1]}px`;
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const ink = style.color;
    const pale = style.getPropertyValue("--pale");
    pen.scale(ratio, ratio);
    pen.textBaseline = "middle";
    const every = Math.ceil(11 / cell); // so that labels do not touch
    const everyColumn = Math.ceil(22 / cell);
    pen.font = `${Math.max(9, Math.min(12, cell * every - 1))}px system-ui, sans-serif`;
    shown.forEach((number, at) => {
      const middle = (at + 0.5) * cell;
      pen.fillStyle = ink;
      if (at % every === 0) {
        pen.textAlign = "right";
        pen.fillText(String(number + 1), left - 5, top + middle);
        if (left > 100) pen.fillText(fitted(pen, names[number], left - 34), left - 32, top + middle);
      }
      if (at % everyColumn === 0) {
        pen.textAlign = "center";
        pen.fillText(String(number + 1), left + middle, top / 2);
      }
    });
    pen.textAlign = "center";
    shown.forEach((row, y) => {
      shown.forEach((column, x) => {
        const times = count[row].get(column) || 0;
        const corner = [left + x * cell, top + y * cell];
        if (times) {
          const part = times / total[row];
          pen.fillStyle = row === column ? "#0072b2" : "#d55e00";
          pen.globalAlpha = row === column ? 0.1 + 0.9 * part : 0.25 + 0.75 * Math.min(1, 2 * part);
          pen.fillRect(...corner, Math.max(1, cell - 0.5), Math.max(1, cell - 0.5));
          pen.globalAlpha = 1;
          if (cell >= 18) {
            pen.fillStyle = part > (row === column ? 0.55 : 0.3) ? "#fff" : ink;
            pen.fillText(String(times), corner[0] + cell / 2, corner[1] + cell / 2);
          }
        }
      });
    });
    pen.strokeStyle = pale;
    pen.lineWidth = 1;
    pen.strokeRect(left - 0.5, top - 0.5, cell * classes + 1, cell * classes + 1);
    if (chosen) {
      pen.strokeStyle = ink;
      pen.lineWidth = 2;
      pen.strokeRect(left + chosen[1] * cell, top + chosen[0] * cell, cell, cell);
    }
  }

  function choose(row, column) {
    if (row < 0 || column < 0 || row >= classes || column >= classes) return;
    chosen = [row, column];
    const [true_, taken] = [shown[row], shown[column]];
    const times = count[true_].get(taken) || 0;
    const part = total[true_] ? ` (${((100 * times) / total[true_]).toFixed(1)}%)` : "";
    const what = true_ === taken ? "recognised" : `taken for “${names[taken]}” (${taken + 1})`;
    said.textContent = `“${names[true_]}” (${true_ + 1}) is ${what} in ${times} of ${total[true_]} recordings${part}.`;
    draw();
  }

  function point(event) {
    const box = canvas.getBoundingClientRect();
    const at = (offset, start) => Math.floor((offset - start) / place.cell);
    choose(at(event.clientY - box.top, place.top), at(event.clientX - box.left, place.left));
  }
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    const [row, column] = chosen || [0, 0];
    choose(row + (chosen ? move[0] : 0), column + (chosen ? move[1] : 0));
  });
  order.addEventListener("change", () => {
    shown = orders[order.value];
    chosen = null;
    draw();
  });
  new ResizeObserver(draw).observe(canvas.parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
