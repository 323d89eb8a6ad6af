"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const two = (n) => String(n).padStart(2, "0");
  const day = (ms) => new Date(ms).toISOString().slice(0, 10);
  const minute = (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
  const amount = (n) => n.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const price = (n) => n.toLocaleString("en-US", { maximumSignificantDigits: 7 });
  const percent = (n) => `${(n * 100).toFixed(2)} %`;
  const signed = (n) => (n > 0 ? "+" : "") + amount(n);

  // The last index whose value is at or below x, in a rising list; -1 before its first.
  const at = (list, x) => {
    let low = 0, high = list.length;
    while (low < high) { const middle = (low + high) >> 1; if (list[middle] <= x) low = middle + 1; else high = middle; }
    return low - 1;
  };

  const steps = (low, high, count) => {
    const raw = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw);
    const ticks = [];
    for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) ticks.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
    return ticks;
  };

  const HOUR = 3600e3, DAY = 24 * HOUR;
  const dates = (from, to, count) => {
    const sizes = [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 182 * DAY, 365 * DAY];
    const size = sizes.find((s) => (to - from) / s <= count) || 730 * DAY;
    const ticks = [];
    for (let tick = Math.ceil(from / size) * size; tick <= to; tick += size) {
      const when = new Date(tick);
      const clock = `${two(when.getUTCHours())}:00`;
      ticks.push([tick, size < DAY && when.getUTCHours() ? clock : day(tick)]);
    }
    return ticks;
  };

  const MARGIN = { left: 8, right: 74, top: 8, bottom: 22 };

  // A plot over time: drag to zoom, double-click to see all. `group` are plots that share their view.
  class Plot {
    constructor(host, height, group, options) {
      Object.assign(this, options);
      this.host = document.getElementById(host);
      this.canvas = this.host.appendChild(document.createElement("canvas"));
      this.canvas.setAttribute("role", "img");
      this.canvas.setAttribute("aria-label", this.label);
      this.tip = this.host.appendChild(document.createElement("div"));
      this.tip.className = "tip";
      this.height = height;
      this.group = group;
      group.plots.push(this);
      this.canvas.addEventListener("pointermove", (event) => this.hover(event));
      this.canvas.addEventListener("pointerleave", () => { if (this.from === undefined) this.leave(); });
      this.canvas.addEventListener("pointerdown", (event) => { this.from = this.time(event); this.canvas.setPointerCapture(event.pointerId); });
      this.canvas.addEventListener("pointerup", (event) => this.release(event));
      this.canvas.addEventListener("dblclick", () => this.show(null));
      new ResizeObserver(() => this.draw()).observe(this.host);
    }
    time(event) {
      const box = this.canvas.getBoundingClientRect(), [from, to] = this.view();
      const share = (event.clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right);
      return from + Math.min(1, Math.max(0, share)) * (to - from);
    }
    view() { return this.group.view || this.group.all; }
    show(view) { this.group.view = view; this.group.plots.forEach((plot) => plot.draw()); }
    leave() { this.group.cursor = null; this.tip.style.display = "none"; this.group.plots.forEach((plot) => plot.draw()); }
    release(event) {
      const to = this.time(event), from = this.from;
      this.from = undefined;
      const [low, high] = [Math.min(from, to), Math.max(from, to)], [left, right] = this.view();
      if (high - low > (right - left) * 0.01) this.show([low, high]); else this.show(this.group.view);
    }
    hover(event) {
      this.group.cursor = this.time(event);
      this.group.plots.forEach((plot) => plot.draw());
      const text = this.describe(this.group.cursor);
      this.tip.style.display = text ? "block" : "none";
      if (!text) return;
      this.tip.textContent = text;
      const box = this.host.getBoundingClientRect(), x = event.clientX - box.left;
      const left = x > box.width / 2 ? x - this.tip.offsetWidth - 14 : x + 14;
      this.tip.style.transform = `translate(${Math.max(0, left)}px, ${MARGIN.top + 4}px)`;
    }
    draw() {
      const width = this.host.clientWidth, height = this.height, ratio = window.devicePixelRatio || 1;
      if (!width) return;
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.canvas.style.height = `${height}px`;
      const pen = this.canvas.getContext("2d");
      pen.scale(ratio, ratio);
      const [from, to] = this.view(), right = width - MARGIN.right, bottom = height - MARGIN.bottom;
      const [low, high] = this.range(from, to);
      const x = (t) => MARGIN.left + ((t - from) / (to - from || 1)) * (right - MARGIN.left);
      const y = (v) => bottom - ((v - low) / (high - low || 1)) * (bottom - MARGIN.top);
      pen.font = "11px system-ui, sans-serif";
      pen.lineWidth = 1;
      pen.textBaseline = "middle";
      for (const tick of steps(low, high, Math.max(3, height / 60))) {
        pen.strokeStyle = color("line");
        pen.beginPath(); pen.moveTo(MARGIN.left, y(tick)); pen.lineTo(right, y(tick)); pen.stroke();
        pen.fillStyle = color("soft");
        pen.fillText(this.unit(tick), right + 8, y(tick));
      }
      pen.textAlign = "center";
      for (const [tick, text] of dates(from, to, Math.max(2, width / 120))) {
        if (x(tick) > MARGIN.left + 30 && x(tick) < right - 20) pen.fillText(text, x(tick), height - 9);
      }
      pen.textAlign = "left";
      pen.save();
      pen.beginPath(); pen.rect(MARGIN.left, 0, right - MARGIN.left, bottom + 1); pen.clip();
      this.paint(pen, x, y, from, to, bottom);
      if (this.group.cursor) {
        pen.strokeStyle = color("soft");
        pen.beginPath(); pen.moveTo(x(this.group.cursor), MARGIN.top); pen.lineTo(x(this.group.cursor), bottom); pen.stroke();
        if (this.from !== undefined) {
          pen.fillStyle = color("accent"); pen.globalAlpha = 0.14;
          pen.fillRect(x(this.from), MARGIN.top, x(this.group.cursor) - x(this.from), bottom - MARGIN.top);
          pen.globalAlpha = 1;
        }
      }
      pen.restore();
    }
  }

  const line = (pen, times, values, x, y, from, to, style, width) => {
    const first = Math.max(0, at(times, from)), last = Math.min(times.length - 1, at(times, to) + 1);
    pen.strokeStyle = style; pen.lineWidth = width; pen.lineJoin = "round";
    pen.beginPath();
    for (let k = first; k <= last; k++) pen.lineTo(x(times[k]), y(values[k]));
    pen.stroke();
  };
  const extent = (times, lists, from, to) => {
    const first = Math.max(0, at(times, from)), last = Math.min(times.length - 1, at(times, to) + 1);
    let low = Infinity, high = -Infinity;
    for (const list of lists) for (let k = first; k <= last; k++) { low = Math.min(low, list[k]); high = Math.max(high, list[k]); }
    const room = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
    return [low - room, high + room];
  };

  // ---- equity and drawdown
  const curve = data.curve;
  if (curve.times.length > 1) {
    const group = { plots: [], all: [curve.times[0], curve.times[curve.times.length - 1]], view: null, cursor: null };
    const describe = (time) => {
      const k = at(curve.times, time);
      return k < 0 ? "" : `${minute(curve.times[k])} UTC\nequity     ${amount(curve.equity[k])} ${data.quote}\nhold       ${amount(curve.hold[k])}\ndrawdown   ${percent(curve.drawdown[k])}`;
    };
    new Plot("equity", 300, group, {
      label: "Equity over time, beside buying and holding", describe, unit: (v) => v.toLocaleString("en-US", { maximumFractionDigits: 2 }),
      range: (from, to) => extent(curve.times, [curve.equity, curve.hold], from, to),
      paint(pen, x, y, from, to) {
        line(pen, curve.times, curve.hold, x, y, from, to, color("hold"), 1.2);
        line(pen, curve.times, curve.equity, x, y, from, to, color("accent"), 1.8);
      },
    });
    new Plot("drawdown", 130, group, {
      label: "Drawdown over time", describe, unit: (v) => `${(v * 100).toFixed(1)} %`,
      range: (from, to) => [extent(curve.times, [curve.drawdown.map((v) => -v)], from, to)[0], 0],
      paint(pen, x, y, from, to) {
        const first = Math.max(0, at(curve.times, from)), last = Math.min(curve.times.length - 1, at(curve.times, to) + 1);
        pen.fillStyle = color("loss"); pen.globalAlpha = 0.28;
        pen.beginPath(); pen.moveTo(x(curve.times[first]), y(0));
        for (let k = first; k <= last; k++) pen.lineTo(x(curve.times[k]), y(-curve.drawdown[k]));
        pen.lineTo(x(curve.times[last]), y(0)); pen.fill();
        pen.globalAlpha = 1;
        line(pen, curve.times, curve.drawdown.map((v) => -v), x, y, from, to, color("loss"), 1);
      },
    });
  }

  // ---- prices with entries and exits
  const [SYMBOL, IN, PAID, OUT, GOT, PNL, REASON, STRATEGY] = [0, 1, 2, 3, 4, 5, 6, 7];
  const symbols = Object.keys(data.candles);
  let chosen = symbols[0];
  if (chosen) {
    const group = { plots: [], view: null, cursor: null, all: data.span };
    const cyclesOf = (symbol) => data.cycles.filter((cycle) => cycle[SYMBOL] === symbol);
    let shown = cyclesOf(chosen);
    const mark = (pen, x, y, up, style, size) => {
      pen.fillStyle = style; pen.strokeStyle = color("card"); pen.lineWidth = 1;
      const turn = up ? 1 : -1;
      pen.beginPath(); pen.moveTo(x, y); pen.lineTo(x - size, y + turn * size * 1.7); pen.lineTo(x + size, y + turn * size * 1.7); pen.closePath();
      pen.fill();
      if (size > 3) pen.stroke();
    };
    const plot = new Plot("price", 420, group, {
      label: "Price with entries and exits", unit: price,
      describe(time) {
        const candles = data.candles[chosen], k = at(candles.times, time);
        const lines = [];
        if (k >= 0) lines.push(`${minute(candles.times[k])} UTC`, `open ${price(candles.open[k])}  high ${price(candles.high[k])}  low ${price(candles.low[k])}  close ${price(candles.close[k])}`);
        const [from, to] = this.view(), near = (to - from) * 0.006;
        shown.filter((cycle) => Math.abs(cycle[IN] - time) < near || (cycle[OUT] && Math.abs(cycle[OUT] - time) < near)).slice(0, 4).forEach((cycle) => {
          const end = cycle[OUT] ? `${price(cycle[GOT])} ${cycle[REASON]}  ${signed(cycle[PNL])}` : "open";
          lines.push(`${cycle[STRATEGY]}: ${price(cycle[PAID])} → ${end}`);
        });
        return lines.join("\n");
      },
      range(from, to) { const candles = data.candles[chosen]; return extent(candles.times, [candles.low, candles.high], from, to); },
      paint(pen, x, y, from, to) {
        const candles = data.candles[chosen];
        const first = Math.max(0, at(candles.times, from)), last = at(candles.times, to);
        line(pen, candles.times.map((time) => time + candles.step), candles.close, x, y, from, to, color("line"), 1.5);
        const body = Math.max(1, (x(from + candles.step) - x(from)) * 0.7);
        for (let k = first; k <= last; k++) {
          const middle = x(candles.times[k] + candles.step / 2), rises = candles.close[k] >= candles.open[k];
          pen.strokeStyle = pen.fillStyle = color(rises ? "gain" : "loss"); pen.globalAlpha = 0.55; pen.lineWidth = 1;
          pen.beginPath(); pen.moveTo(middle, y(candles.high[k])); pen.lineTo(middle, y(candles.low[k])); pen.stroke();
          const top = y(Math.max(candles.open[k], candles.close[k])), bottom = y(Math.min(candles.open[k], candles.close[k]));
          if (body > 1.5) pen.fillRect(middle - body / 2, top, body, Math.max(1, bottom - top));
        }
        pen.globalAlpha = 1;
        const seen = shown.filter((cycle) => cycle[IN] <= to && (cycle[OUT] || to) >= from);
        const size = Math.max(2, Math.min(5.5, 60 / Math.sqrt(seen.length || 1)));
        for (const cycle of seen) {
          if (cycle[OUT]) {
            pen.strokeStyle = color(cycle[PNL] >= 0 ? "gain" : "loss"); pen.lineWidth = 1.3;
            pen.beginPath(); pen.moveTo(x(cycle[IN]), y(cycle[PAID])); pen.lineTo(x(cycle[OUT]), y(cycle[GOT])); pen.stroke();
            mark(pen, x(cycle[OUT]), y(cycle[GOT]), false, color(cycle[PNL] >= 0 ? "gain" : "loss"), size);
          }
          mark(pen, x(cycle[IN]), y(cycle[PAID]), true, color("accent"), size);
        }
      },
    });
    const bar = document.getElementById("symbols");
    for (const symbol of symbols) {
      const button = bar.appendChild(document.createElement("button"));
      button.textContent = symbol;
      button.setAttribute("aria-pressed", String(symbol === chosen));
      button.addEventListener("click", () => {
        chosen = symbol; shown = cyclesOf(symbol);
        bar.querySelectorAll("button").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
        plot.draw();
      });
    }
  }

  // ---- the cycles, a page at a time
  const PAGE = 25;
  let page = 0;
  const body = document.querySelector("#cycles tbody");
  if (body) {
    const back = document.getElementById("back"), next = document.getElementById("next"), where = document.getElementById("where");
    const turn = (by) => {
      const pages = Math.max(1, Math.ceil(data.cycles.length / PAGE));
      page = Math.min(pages - 1, Math.max(0, page + by));
      body.replaceChildren(...data.cycles.slice(page * PAGE, (page + 1) * PAGE).map((cycle) => {
        const row = document.createElement("tr");
        const cells = [minute(cycle[IN]), cycle[SYMBOL], cycle[STRATEGY], price(cycle[PAID]), cycle[OUT] ? minute(cycle[OUT]) : "open", cycle[OUT] ? price(cycle[GOT]) : "", cycle[REASON], cycle[OUT] ? signed(cycle[PNL]) : ""];
        cells.forEach((text) => { row.appendChild(document.createElement("td")).textContent = text; });
        if (cycle[OUT]) row.lastChild.className = cycle[PNL] >= 0 ? "gain" : "loss";
        return row;
      }));
      where.textContent = `${page + 1} of ${pages}`;
      back.disabled = page === 0; next.disabled = page === pages - 1;
    };
    back.addEventListener("click", () => turn(-1));
    next.addEventListener("click", () => turn(1));
    turn(0);
  }
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => window.dispatchEvent(new Event("resize")));
})();
