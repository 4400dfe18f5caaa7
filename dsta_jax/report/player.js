// Plays recordings of skeletons on canvases. Each .player holds one or more canvases, each with a recording, and one
// set of controls for them all. The recordings and the way to draw them are JSON in elements of the page.
"use strict";

(() => {
  const UNSEEN = -32768;
  const ROOM = 0.94; // the part of a canvas that a skeleton fills
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  function points(clip) {
    const bytes = Uint8Array.from(atob(clip.points), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Int16Array.from({ length: bytes.length / 2 }, (_, place) => view.getInt16(2 * place, true));
  }

  // The middle of all that is seen in each frame, smoothed, and the largest distance from it in the recording.
  function camera(values, clip) {
    const { frames, coordinates } = clip;
    const perFrame = values.length / frames;
    const middles = [];
    for (let frame = 0; frame < frames; frame++) {
      const low = Array(coordinates).fill(Infinity);
      const high = Array(coordinates).fill(-Infinity);
      for (let place = frame * perFrame; place < (frame + 1) * perFrame; place++) {
        if (values[place] === UNSEEN) continue;
        const axis = place % coordinates;
        low[axis] = Math.min(low[axis], values[place]);
        high[axis] = Math.max(high[axis], values[place]);
      }
      const before = middles[frame - 1];
      middles.push(low.map((least, axis) => {
        if (least > high[axis]) return before ? before[axis] : 0; // nobody is seen
        const now = (least + high[axis]) / 2;
        return before ? 0.8 * before[axis] + 0.2 * now : now;
      }));
    }
    let reach = 1;
    for (let place = 0; place < values.length; place += coordinates) {
      if (values[place] === UNSEEN) continue;
      const middle = middles[Math.floor(place / perFrame)];
      reach = Math.max(reach, Math.hypot(...middle.map((at, axis) => values[place + axis] - at)));
    }
    return { middles, reach };
  }

  function screen(canvas, drawing, onTurn) {
    const clip = read(canvas.dataset.clip);
    const values = points(clip);
    const { middles, reach } = camera(values, clip);
    const solid = clip.coordinates === 3;
    let yaw = 0;
    let pitch = 0;

    // A joint's place on the canvas; null where it is not seen.
    function project(frame, body, joint) {
      const place = ((frame * clip.bodies + body) * drawing.joints + joint) * clip.coordinates;
      if (values[place] === UNSEEN) return null;
      const from = (axis) => values[place + axis] - middles[frame][axis];
      const x = from(drawing.right);
      const y = drawing.down ? -from(drawing.up) : from(drawing.up);
      const z = solid ? from(drawing.depth) : 0;
      const depth = z * Math.cos(yaw) - x * Math.sin(yaw);
      return [x * Math.cos(yaw) + z * Math.sin(yaw), y * Math.cos(pitch) - depth * Math.sin(pitch)];
    }

    function show(seconds) {
      const frame = Math.min(clip.frames - 1, Math.floor((seconds / clip.seconds) * clip.frames));
      const ratio = devicePixelRatio || 1;
      const width = canvas.clientWidth;
      const height = canvas.clientHeight;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      const pen = canvas.getContext("2d");
      const scale = (ROOM * Math.min(width, height)) / (2 * reach);
      const ink = getComputedStyle(canvas).color;
      const at = (point) => [width / 2 + scale * point[0], height / 2 - scale * point[1]];
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      pen.lineCap = "round";
      for (let body = 0; body < clip.bodies; body++) {
        const joints = drawing.colors.map((_, joint) => project(frame, body, joint));
        pen.setLineDash(body ? [6, 5] : []);
        pen.lineWidth = 3;
        for (const [start, end] of drawing.bones) {
          if (!joints[start] || !joints[end]) continue;
          pen.strokeStyle = drawing.colors[end] || ink;
          pen.beginPath();
          pen.moveTo(...at(joints[start]));
          pen.lineTo(...at(joints[end]));
          pen.stroke();
        }
        joints.forEach((point, joint) => {
          if (!point) return;
          pen.fillStyle = drawing.colors[joint] || ink;
          pen.beginPath();
          pen.arc(...at(point), 3.2, 0, 2 * Math.PI);
          pen.fill();
        });
      }
    }

    function turn(right, down) {
      if (!solid) return;
      yaw += right;
      pitch = Math.max(-1.5, Math.min(1.5, pitch + down));
      onTurn();
    }
    if (solid) {
      canvas.classList.add("turns");
      let last = null;
      canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        last = event;
      });
      canvas.addEventListener("pointermove", (event) => {
        if (!canvas.hasPointerCapture(event.pointerId)) return;
        turn((event.clientX - last.clientX) / 100, (event.clientY - last.clientY) / 100);
        last = event;
      });
      canvas.addEventListener("dblclick", () => turn(-yaw, -pitch));
    }
    return { seconds: clip.seconds, frames: clip.frames, show, turn };
  }

  function start(player, drawing) {
    const button = player.querySelector("button");
    const slider = player.querySelector("input");
    let playing = false;
    let before = 0;
    const draw = () => screens.forEach((each) => each.show(now));
    const screens = [...player.querySelectorAll("canvas")].map((canvas) => screen(canvas, drawing, draw));
    const seconds = Math.max(...screens.map((each) => each.seconds));
    const step = seconds / Math.max(...screens.map((each) => each.frames));
    let now = seconds / 2;

    function seek(to) {
      now = Math.max(0, Math.min(seconds - 1e-6, to));
      slider.value = String(Math.round((1000 * now) / seconds));
      slider.setAttribute("aria-valuetext", `${now.toFixed(1)} of ${seconds.toFixed(1)} seconds`);
      draw();
    }
    function tick(time) {
      if (!playing) return;
      const on = now + Math.min(0.1, (time - before) / 1000);
      before = time;
      seek(on < seconds ? on : 0);
      requestAnimationFrame(tick);
    }
    function toggle(on = !playing) {
      if (on === playing) return;
      playing = on;
      player.classList.toggle("playing", playing);
      button.setAttribute("aria-label", playing ? "Pause" : "Play");
      before = performance.now();
      if (playing) requestAnimationFrame(tick);
    }

    button.addEventListener("click", () => toggle());
    slider.addEventListener("input", () => {
      toggle(false);
      seek((seconds * Number(slider.value)) / 1000);
    });
    player.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const turns = { a: [-0.2, 0], d: [0.2, 0], w: [0, -0.2], s: [0, 0.2] }[event.key];
      if (event.key === "k" || (event.key === " " && event.target !== button)) toggle();
      else if (event.key === "ArrowLeft") (toggle(false), seek(now - step));
      else if (event.key === "ArrowRight") (toggle(false), seek(now + step));
      else if (event.key === "Home") (toggle(false), seek(0));
      else if (event.key === "End") (toggle(false), seek(seconds));
      else if (turns) screens.forEach((each) => each.turn(...turns));
      else return;
      event.preventDefault();
    });
    new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) toggle(false);
    }).observe(player);
    new ResizeObserver(() => seek(now)).observe(player); // at the start, too
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    still.addEventListener("change", () => still.matches && toggle(false));
  }

  if (document.getElementById("drawing")) {
    const drawing = read("drawing");
    document.querySelectorAll(".player").forEach((player) => start(player, drawing));
  }
})();
