// The charts of a report are drawn by the server. This adds hover and zoom, on demand: the library is large and nobody needs it to read the page.
const library = document.currentScript.dataset.library;
const motionless = matchMedia("(prefers-reduced-motion: reduce)").matches;
const yuan = (fen) => "¥" + (fen / 100).toLocaleString("zh-CN", { minimumFractionDigits: 2 });
const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
let loading;

function load() {
  loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = library;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  return loading;
}

function common(rows) {
  const ink = { color: colour("--ink-soft"), fontFamily: "inherit" };
  return {
    animation: !motionless,
    textStyle: ink,
    grid: { left: 8, right: 16, top: 16, bottom: 48, containLabel: true },
    // Rich text instead of HTML: the page's policy allows no style in markup.
    tooltip: { renderMode: "richText", confine: true, valueFormatter: yuan },
  };
}

function course({ course: { names, now, was }, words }) {
  const lines = [{ name: words.now, data: now, dashed: false }, { name: words.was, data: was, dashed: true }].filter(({ data }) => data.length);
  return {
    ...common(),
    tooltip: { ...common().tooltip, trigger: "axis" },
    xAxis: { type: "category", data: names },
    yAxis: { type: "value", axisLabel: { formatter: (fen) => (fen / 100).toLocaleString("zh-CN") } },
    dataZoom: [{ type: "inside" }, { type: "slider", height: 18, bottom: 8 }],
    series: lines.map(({ name, data, dashed }) => ({
      name, data, type: "line", showSymbol: data.length < 40,
      lineStyle: { width: 2, type: dashed ? "dashed" : "solid" },
      color: colour(dashed ? "--edge" : "--pine"),
    })),
  };
}

function heat({ heat: { rows, columns, fen }, words }) {
  const cells = fen.flatMap((row, y) => row.map((value, x) => [x, y, value]));
  const most = Math.max(1, ...cells.map((cell) => Math.abs(cell[2])));
  return {
    ...common(),
    tooltip: {
      ...common().tooltip,
      formatter: ({ value: [x, y, value] }) => `${rows[y]} · ${columns[x]}\n${words.net} ${yuan(value)}`,
    },
    xAxis: { type: "category", data: columns, splitArea: { show: true } },
    yAxis: { type: "category", data: rows, inverse: true },
    dataZoom: [{ type: "inside", xAxisIndex: 0 }, { type: "inside", yAxisIndex: 0 }],
    visualMap: {
      min: 0, max: most, calculable: true, orient: "horizontal", left: "center", bottom: 0, itemHeight: 90,
      inRange: { color: [colour("--mist"), colour("--pine")] }, formatter: yuan,
    },
    series: [{ type: "heatmap", name: words.net, data: cells }],
  };
}

const kinds = { course, heat };

for (const figure of document.querySelectorAll("[data-chart]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button is-quiet is-small chart-open no-print";
  button.textContent = document.documentElement.lang === "en" ? "Explore" : "放大查看";
  button.setAttribute("aria-pressed", "false");
  let place;
  button.addEventListener("click", async () => {
    const isLive = button.getAttribute("aria-pressed") === "true";
    if (!place) {
      button.disabled = true;
      try {
        await load();
      } catch {
        button.remove();
        return;
      }
      button.disabled = false;
      place = document.createElement("div");
      place.className = "chart-live";
      place.setAttribute("aria-hidden", "true"); // the table says the same
      figure.querySelector(":scope > svg").after(place);
      figure.classList.add("is-live");
      const drawn = echarts.init(place);
      drawn.setOption(kinds[figure.dataset.chart](JSON.parse(figure.dataset.rows)));
      new ResizeObserver(() => drawn.resize()).observe(place);
    }
    place.hidden = isLive;
    figure.classList.toggle("is-live", !isLive);
    button.setAttribute("aria-pressed", String(!isLive));
  });
  figure.append(button);
}
